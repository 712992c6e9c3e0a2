"""What ``assemble`` does not put into its tables, executions and requests, is counted and told."""

import json

import pytest
from tests.reassembly.histories import History

from lumitrace.reassembly.pipeline.duckdb import library

START_MS = 1_795_226_400_000  # as the night begins
TOLD = "stand in no table; ask lumitrace transactions, why or show about them"


@pytest.fixture
def assembled(command, tmp_path, night, log_file):
    """Assemble the night and further files: the command, and the rows of two tables."""

    def run(*paths):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        done = command("assemble", night.write(log_file), *paths, "--out", out)
        if done.returncode:
            return done, None
        query = "SELECT * FROM '{}/{}.parquet' ORDER BY ALL"
        connection = library().connect()
        rows = [
            connection.execute(query.format(out, name)).fetchall() for name in ("spans", "members")
        ]
        return done, rows

    return run


def execution(name="sale-0001"):
    """Return the history of an execution of one state."""
    history = History(name=name)
    history.start(0)
    history.end(50, history.leave(41, "Wait", history.enter(3, "Wait")))
    return history


def entry(number):
    """Return an entry of an access log."""
    said = {"extendedRequestId": f"Cti7VYJ4qQHYm{number:02}=", "httpMethod": "POST"}
    return json.dumps({**said, "resourcePath": "/sales", "status": "429", "stage": "live"})


def say(night, group, messages, ms=5000):
    """Write *messages* into a log group of their own."""
    for at, message in enumerate(messages):
        where = {"logGroupName": group, "logStreamName": "s1", "timestamp": START_MS + ms + at}
        night.events.append({**where, "message": message})


def test_executions_and_requests_are_counted_and_told(night, assembled, tmp_path):
    """From a file, a log of a state machine and an access log: each once, and no row of them."""
    night.sale(1, 0)
    _, bare = assembled()
    logged = [message for _, message in execution("sale-0002").logged()]
    say(night, "/aws/vendedlogs/states/fulfil", logged * 2)
    say(night, "/aws/apigateway/ushop", [entry(number) for number in range(3)] * 2)
    (tmp_path / "sale-0001.json").write_text(execution().answer())

    done, rows = assembled(tmp_path / "sale-0001.json")

    assert done.returncode == 0
    assert f"lumitrace: 2 executions and 3 requests of access logs {TOLD}\n" in done.stderr.decode()
    assert rows == bare


def test_what_a_function_prints_is_not_counted(night, assembled):
    """Where Lambda speaks, or the group is a function's, it is text."""
    run = night.begin("ushop_pack", 0)
    lines = [message for _, message in execution().logged()]
    for group in ("/aws/lambda/ushop_pack", "/of/our/own", "/aws/lambda/ushop_other"):
        say(night, group, [*lines, entry(1)], ms=2)
    night.end(run, 10, began=0, lasted=9)
    start = f"START RequestId: {run.request} Version: 1"
    say(night, "/of/our/own", [start], ms=1)

    done, _ = assembled()

    assert done.returncode == 0
    assert TOLD not in done.stderr.decode()


def test_of_executions_alone_there_are_no_tables(night, assembled):
    """It is said why: that one was read, and that no span line was."""
    say(night, "/aws/vendedlogs/states/fulfil", [message for _, message in execution().logged()])

    done, _ = assembled()

    assert done.returncode == 1
    assert f"lumitrace: 1 execution {TOLD}\n" in done.stderr.decode()
    assert "no span lines in" in done.stderr.decode().splitlines()[-1]
