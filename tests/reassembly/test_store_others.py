"""Executions and access logs in a store: the answers are those of the files."""

import json

import pytest
from tests.reassembly.histories import History, answered, raised
from tests.reassembly.test_access_logs import GROUP, START_MS, rest

HOUR_MS = 3_600_000


def entry(ms, status, key):
    """Return a log event of an access log."""
    said = json.dumps(rest(ms, status, key=key))
    where = {"logGroupName": GROUP, "logStreamName": "a1b2"}
    return {**where, "timestamp": START_MS + ms + 12, "message": said}


def task(night, ms, *, well):
    """Write a function that a task calls, and the execution's events as its log holds them."""
    error = {} if well else {"error": {"type": "ValueError", "message": "card refused"}}
    run = night.begin("ushop_charge", ms + 20, trigger="other")
    night.end(run, ms + 28, began=ms + 20, lasted=7, tags={"saleId": f"sale-{ms}"}, **error)
    history = History()
    history.start(ms)
    at = history.call(ms + 12, history.enter(ms + 10, "Charge"), "ushop_charge")
    if well:
        at = history.done(ms + 40, at, answered(run.request))
        history.end(ms + 50, history.leave(ms + 41, "Charge", at))
    else:
        at = history.failed(ms + 40, at, raised(run.request))
        history.end(ms + 50, at, raised(run.request), "Failed")
    where = {"logGroupName": "/aws/vendedlogs/states/fulfil", "logStreamName": f"states/{ms}"}
    for moment, message in history.logged():
        said = json.loads(message)
        said["execution_arn"] += f"-{ms}"
        night.events.append({**where, "timestamp": moment, "message": json.dumps(said)})
    return run


@pytest.fixture
def shop(night, log_file, tmp_path, answer):
    """Return a log of functions, executions and requests, and a store that holds it."""
    task(night, 0, well=True)
    lost = task(night, HOUR_MS, well=False)
    run = night.begin(
        "ushop_till",
        3,
        trigger="api-gateway-rest",
        route="POST /sales",
        linkIn=["apigw:Cti7VYJ4qQ="],
    )
    night.end(run, 9, began=3, lasted=5, tags={"saleId": "sale-1"})
    night.events.append(entry(0, 200, "Cti7VYJ4qQ="))
    night.events.append(entry(50, 429, "Dti7VYJ4qQ="))
    path = night.write(log_file)
    store = ("--store", tmp_path / "store")
    code, said = answer("fetch", *store, "--keep", "forever", path)
    assert (code, said["new"]) == (0, said["read"])
    return path, store, [lost.request, run.request, "Dti7VYJ4qQ=", "sale-0"]


def test_executions_and_requests_are_told_out_of_a_store(shop, answer):
    """A failed execution, one that went well, a request behind a function, one throttled."""
    path, store, names = shop

    of_files, of_store = answer("why", path), answer("why", *store)

    assert of_files[1]["impact"]["lost"] == 2
    for seen in (of_files[1]["seen"], of_store[1]["seen"]):
        assert (seen["executions"], seen["requests"]) == (2, 2)
    assert of_store == of_files
    for asked in (
        ("transactions",),
        ("transactions", "--failed"),
        *(("show", one) for one in names),
    ):
        assert answer(*asked, *store) == answer(*asked, path)


def test_an_hour_that_was_put_together_before_is_read_whole(shop, answer):
    """Its word does not say whether other services told of anything: nothing is left out."""
    path, store, _ = shop
    for word in store[1].glob("hours/*/hour.json"):
        said = json.loads(word.read_text("ascii"))
        del said["facts"]["others"]
        word.write_text(json.dumps(said), "ascii")

    assert answer("why", *store) == answer("why", path)


def test_issues_out_of_a_store_tell_executions_and_requests(shop, answer):
    """What failed beside functions is counted by its service's name."""
    issues = answer("issues", *shop[1])[1]["issues"]

    told = {(one["function"], one["type"], one["failed"], one["invocations"]) for one in issues}
    assert ("API Gateway POST /sales", "429 THROTTLED", 1, 2) in told
    assert ("ushop_charge", "ValueError", 1, 2) in told


def test_too_little_memory_is_told(shop, command):
    """One sentence that names the option, not the folder."""
    done = command("fetch", "--store", shop[1][1].parent / "small", "--memory", "1MB", shop[0])

    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"the memory does not suffice for this; give more with --memory" in done.stderr
