"""An invocation whose lines end in one plain file and go on in the next: one run, nothing lost."""

import pytest
from tests.reassembly import both

TIMED_OUT = "2026-11-21T02:00:03.000Z {} Task timed out after 3.00 seconds"


def printed(night):
    """Return what a function prints: a sale, and a try that was killed before it."""
    night.sale(1, 0)
    own = [one["message"] for one in night.events if "new-sale" in one["logGroupName"]]
    return [f"{message.rstrip()}\n" for message in own]


def written(folder, *files):
    """Write the lines of each file that has some, and return their paths."""
    paths = [folder / f"{number}.log" for number, lines in enumerate(files) if lines]
    for path in paths:
        path.write_text("".join(files[int(path.stem)]), "utf-8")
    return paths


def runs(assembled):
    """Return what is known of each attempt."""
    return [
        (
            *(one.function, one.request_id, one.trigger, one.of, one.ended, one.failed),
            *(one.report.billed_ms if one.report else "", one.invocation.duration_us),
            *(sorted(span.span_id for span in one.spans), sorted(line.text for line in one.lines)),
        )
        for one in assembled.attempts
    ]


@pytest.mark.parametrize("second", ["first", "last"], ids=lambda which: f"the end read {which}")
@pytest.mark.parametrize("cut", range(1, 6))
def test_a_run_that_is_cut_is_what_it_was(night, tmp_path, cut, second):
    """Behind each of its lines; whichever file comes first."""
    lines = printed(night)
    (tmp_path / "whole").mkdir()
    whole, _ = both.of_files(*written(tmp_path / "whole", lines))
    halves = [lines[:cut], lines[cut:]]

    assembled, differ = both.of_files(
        *written(tmp_path, *(halves if second == "last" else halves[::-1]))
    )

    assert len(lines) == 6
    assert differ == {}
    assert runs(assembled) == runs(whole)
    assert assembled.counts.conflicting == 0


def test_what_was_killed_before_its_first_line_stays_a_run_of_its_own(night, tmp_path):
    """Two tries of one request, in two files: one that timed out, one whose end was not read."""
    lines = printed(night)
    request = lines[0].split()[2]
    killed = [lines[0], f"{TIMED_OUT.format(request)}\n", *lines[4:]]

    assembled, differ = both.of_files(*written(tmp_path, killed, lines[:4]))

    assert differ == {}
    assert [one.failed for one in assembled.attempts] == [True, False]


def test_two_tries_that_lack_a_line_are_given_none(night, tmp_path):
    """Whose it is cannot be told."""
    first = night.begin("pay", 0)
    night.begin("pay", 2000, request=first.request)
    lines = [f"{one['message'].rstrip()}\n" for one in night.events]
    night.close(first, 10, 9)
    end = [f"{one['message'].rstrip()}\n" for one in night.events[-2:]]

    assembled, _ = both.of_files(*written(tmp_path, lines[:2], lines[2:], end))

    assert sum(one.report is not None for one in assembled.attempts) == 1
    assert len(assembled.attempts) == 3
