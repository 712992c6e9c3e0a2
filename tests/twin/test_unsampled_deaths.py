"""Functions that die without being sampled are counted from Lambda's own lines, without tags."""

import json
import time
from dataclasses import replace
from signal import SIGSEGV

import pytest
from tests.twin.servers import ROOT
from tests.twin.twins import ALIVE

from local_aws.json_platform_lines import JsonLines
from local_aws.platform_lines import Report, TextLines
from lumitrace.reassembly.cli import main
from lumitrace.reassembly.pipeline import duckdb

SAMPLED, NOT = "f" * 32, "f" * 18 + "0" * 13 + "1"  # trace ids that a share of a half keeps or not
# How it dies, what Lambda's report says of it, and what the answers call it.
DEATHS = (
    (["kill", None], {"status": "timeout"}, "Sandbox.Timedout"),
    (["kill", None], {"status": "error", "error_type": "Runtime.OutOfMemory"}, None),
    (["_exit", 3], {"status": "error", "error_type": "Runtime.ExitError"}, None),
    (["signal", SIGSEGV], {"status": "error", "error_type": "Runtime.ExitError"}, None),
    (["exit", 3], {"status": "error", "error_type": "Runtime.ExitError"}, "SystemExit"),
)
WELL = 2  # invocations before each death
LATER_MS = 600_000  # no retry is still to come
FORMATS = {"text": (TextLines, {}), "json": (JsonLines, {"AWS_LAMBDA_LOG_FORMAT": "JSON"})}
# The share, and which deaths are known by Lambda's lines alone: who leaves by sys.exit still passes
# the wrapper of the handler. With a half, every second trace is sampled.
SHARES = {"0": (0, 1, 2, 3), "0.5": (0, 2)}


def message(number, trace_id, steps):
    """Return the event of a topic's message, in the trace *trace_id*, which says the *steps*."""
    event = json.loads((ROOT / "tests/events/sns.json").read_text("utf-8"))
    told = event["Records"][0]["Sns"]
    traceparent = f"00-{trace_id[:4]}{number:04}{trace_id[8:]}-00f067aa0ba902b7-01"
    told["MessageAttributes"] = {"traceparent": {"Type": "String", "Value": traceparent}}
    told |= {"MessageId": f"sns-{number}", "saleId": f"sale-{number}", "Message": json.dumps(steps)}
    return event


class Night:
    """Functions that died, each in a sandbox of its own, and the log of all of them."""

    def __init__(self, twins, folder):
        self.twins, self.folder, self.events = twins, folder, []
        self.now_ms = time.time_ns() // 1_000_000

    def play(self, log_format, share):
        """Have every death happen, in traces that a share of a half keeps or not, by turns."""
        make, more = FORMATS[log_format]
        environment = {**more, "LUMITRACE_SAMPLE": share, "LUMITRACE_TAGS": "Records.0.Sns.saleId"}
        for place, (end, report, _) in enumerate(DEATHS):
            numbers = range(100 * place, 100 * place + WELL + 1)
            steps = [[["put", f"t{number}-0"]] for number in numbers]
            steps[-1].append(end)
            trace_id = SAMPLED if place % 2 else NOT
            ids = [f"8a1c0000-0000-4000-8000-{number:012}" for number in numbers]
            outcome = self.twins.run(
                "kills.of_message",
                [
                    (
                        json.dumps(message(number, trace_id, step)).encode(),
                        {"Lambda-Runtime-Aws-Request-Id": request_id},
                    )
                    for number, step, request_id in zip(numbers, steps, ids, strict=True)
                ],
                traced=True,
                environment={**environment, "JOURNAL": str(self.folder / f"journal-{place}")},
            )
            assert outcome.seen["exit code"] != ALIVE
            self._log(make("twin", f"s{place}", "python3.13", "eu-west-1"), outcome, ids, report)
        later = make("later", "s", "python3.13", "eu-west-1")
        for line in (*later.start("later"), *later.end(Report("later", 1, 128, 64))):
            self._say(later, line, LATER_MS)
        path = self.folder / "night.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in self.events), "utf-8")
        return str(path)

    def _log(self, lines, outcome, ids, report):
        written = (outcome.folder / "stdout").read_text("utf-8").splitlines(keepends=True)
        for request_id in ids:
            ended = Report(request_id, 5.0, memory_mb=128, used_mb=64)
            said = [line for line in written if f'"{request_id}"' in line]
            if request_id == ids[-1]:
                ended = replace(ended, **report)
            for line in (*lines.start(request_id), *said, *lines.end(ended)):
                self._say(lines, line)

    def _say(self, lines, message, ms=0):
        self.events.append(
            {
                "logGroupName": f"/aws/lambda/{lines.function}",
                "logStreamName": lines.log_stream,
                "timestamp": self.now_ms + ms,
                "message": message,
            }
        )


@pytest.mark.parametrize(("share", "log_format"), [("0", "text"), ("0", "json"), ("0.5", "text")])
def test_the_dead_are_counted_whatever_is_sampled(twins, tmp_path, capsys, share, log_format):
    """As many, of the same kinds; whose they were is known where a line of ours was written."""
    duckdb._database().execute("SET threads = 1")  # more cost more than they bring
    path, unknown = Night(twins, tmp_path).play(log_format, share), SHARES[share]

    assert main(["why", path, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert main(["why", path]) == 0
    page = capsys.readouterr().out
    assert main(["transactions", path, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["transactions"]

    impact, seen, dead = said["impact"], said["seen"], len(DEATHS)
    assert said["issue"]["all"] == {"failed": dead, "invocations": dead * (WELL + 1)}
    assert (impact["lost"], impact["healthy"]) == (dead, dead * WELL)
    known = [f"sale-{100 * place + WELL}" for place in range(dead) if place not in unknown]
    assert impact["ids"] == known
    assert impact["withoutSpanLines"] == len(unknown)
    assert f"of {len(unknown)} of them no span line was read: whose they were is not known" in page
    assert seen["toldInSums"] == WELL * (dead if share == "0" else 3)
    assert (seen["untrusted"], seen["broken"], seen["dropped"]) == (0, 0, 0)
    failed = [row for row in rows if row["state"] == "failed"]
    assert [row["tags"] for row in failed if row["tags"]] == [{"saleId": one} for one in known]
    kinds = sorted(row["issues"][0] for row in failed)
    assert kinds == sorted(f"twin: {name or it['error_type']}" for _, it, name in DEATHS)
