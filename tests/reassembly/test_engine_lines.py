"""What a log line may hold: DuckDB reads it to the rows that Python reads."""

import json

import pytest

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline import files, load, texts
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.files import load_text
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS, PLATFORM_COLUMNS
from lumitrace.reassembly.pipeline.load import load_events

WHOLE = {
    "lumitrace": 1,
    "record": "invocation",
    "traceId": "a" * 32,
    "spanId": "b" * 16,
    "requestId": "r-1",
    "name": "pay",
    "kind": "SERVER",
    "startUs": 1_795_226_400_000_000,
    "durationUs": 4000,
    "calls": [["c" * 16, "sns.Publish", "topic", 1, 2, 200, ["sns:m-1"]]],
    "links": [["d" * 32, "e" * 16]],
    "linkIn": ["sqs:m-0"],
    "tags": {"saleId": "S-1", "total": 42.5, "vip": True},
    "status": 2,
    "error": {"type": "ValueError", "message": "no"},
    "summary": [["s3.PutObject", "bucket", 3, 900, ["s3:k"]]],
}


def spelt(said):
    """Return the line that *said* is."""
    return json.dumps(said, separators=(",", ":"))


def rows(path, lines):
    """Return the rows that DuckDB's way in gives, and those of the way that defines it."""
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    fast, slow = DuckDb(), DuckDb()
    load_text(fast, [path])
    load_events(slow, [LogEvent("", str(path), None, line, 0) for line in lines])
    found = []
    for engine in (fast, slow):
        both = (("lines", LINE_COLUMNS), ("platform", PLATFORM_COLUMNS))
        queries = [
            f"SELECT {', '.join(name for name in columns if name not in {'place', 'moment'})} "  # noqa: S608
            f"FROM {table}"
            for table, columns in both
        ]
        found.append([sorted(engine.rows(query), key=repr) for query in queries])
    return found


def test_r01_a_line_cut_anywhere_is_no_row_and_harms_no_neighbour(tmp_path):
    """R01: every beginning of a line, each between two whole ones."""
    whole = spelt(WHOLE)
    lines = [whole, *(whole[:length] for length in range(1, len(whole))), whole]

    fast, slow = rows(tmp_path / "cut.log", lines)

    assert fast == slow
    assert len(slow[0]) == 2


def test_r03_text_before_a_mark_and_two_lines_in_one_are_both_read(tmp_path):
    """R03: the reader begins anew at every mark."""
    whole = spelt(WHOLE)

    fast, slow = rows(tmp_path / "two.log", [f"hello {whole}", f"{whole}{whole}", f"{whole} bye"])

    assert fast == slow
    assert len(slow[0]) == 4


def test_r14_a_record_of_another_kind_is_no_row(tmp_path):
    """R14: a record that this version does not know, or of no kind at all."""
    lines = [spelt({**WHOLE, "record": record}) for record in ("later", "", None, 7, [], {})]

    fast, slow = rows(tmp_path / "kinds.log", [*lines, spelt(WHOLE)])

    assert fast == slow
    assert len(slow[0]) == 1


def test_every_line_keeps_its_place_in_whichever_file_it_stands(tmp_path):
    """Where a source has no times the number of a line is its moment, counted over all files."""
    first, second, third = (tmp_path / name for name in ("c.log", "b.log", "a.log"))
    for path, count, end in ((first, 9000, "\n"), (second, 4000, "\n"), (third, 3, "\r\n\n")):
        lines = [f"{spelt({**WHOLE, 'name': str(n)})}{end}" for n in range(count)]
        path.write_text("".join(lines), "ascii", newline="")

    with DuckDb.bounded("", tmp_path / "spill") as engine:
        engine.connection.execute("SET threads = 2")
        load_text(engine, [first, second, third])
        said = engine.rows("SELECT stream_id, place, moment, line_name FROM lines")

    expected = {(0, n, n, str(n)) for n in range(9000)}
    expected |= {(1, 9000 + n, 9000 + n, str(n)) for n in range(4000)}
    assert set(said) == expected | {(2, 13000 + 3 * n, 13000 + 3 * n, str(n)) for n in range(3)}
    again = list(files.lines_of(third))
    assert [json.loads(line)["name"] for line in again[::3]] == ["0", "1", "2"]
    assert again[1::3] == again[2::3] == [b""] * 3


def test_lines_read_without_their_tags_say_all_else(tmp_path):
    """``assemble`` has no table of tags: what only they make irregular is read by DuckDB."""
    path = tmp_path / "tags.log"
    said = [{**WHOLE, "tags": tags} for tags in ({}, {"total": 42.5}, {"n": 10**20}, {"a": [1]})]
    lines = [spelt(one) for one in said] + [spelt(WHOLE).replace("42.5", "42.50")]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    whole, bare = DuckDb(), DuckDb()

    load_text(whole, [path])
    load_text(bare, [path], tags=False)

    columns = ", ".join(name for name in LINE_COLUMNS if name != "tags")
    query = f"SELECT {columns} FROM lines ORDER BY place"  # noqa: S608
    assert bare.rows(query) == whole.rows(query)
    assert bare.number("SELECT COUNT(tags) FROM lines") == 0
    assert bare.number("SELECT COUNT(*) FROM other_lines") == 0


def test_lines_that_are_not_regular_are_all_read_however_many(tmp_path, monkeypatch):
    """They come in pages, and are loaded a few at a time."""
    monkeypatch.setattr(texts, "PAGE", 3)
    monkeypatch.setattr(load, "CHUNK", 2)

    fast, slow = rows(tmp_path / "many.log", [f"{n} {spelt(WHOLE)}" for n in range(20)])

    assert fast == slow
    assert len(fast[0]) == 20


@pytest.mark.parametrize("most", [spelt(WHOLE), "working on it"])
def test_a_line_keeps_its_place_whatever_most_lines_are(tmp_path, most):
    """Two ways in, by what a file begins with: a line's place is how many stand before it."""
    first, second = tmp_path / "1.log", tmp_path / "2.log"
    lines = [*[most] * 9, "START RequestId: r-1 Version: 7", f"hello {spelt(WHOLE)}", spelt(WHOLE)]
    for path in (first, second):
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    engine = DuckDb()

    load_text(engine, [first, second])

    ours = [*(range(9) if most != "working on it" else ()), 10, 11]
    found = engine.rows("SELECT stream_id, place, moment, at_start FROM lines ORDER BY place")
    assert found == [
        (stream, stream * 12 + at, stream * 12 + at, int(at != 10))
        for stream in (0, 1)
        for at in ours
    ]
    said = engine.rows("SELECT stream_id, moment, what FROM platform ORDER BY moment")
    assert said == [(0, 9, "start"), (1, 21, "start")]
