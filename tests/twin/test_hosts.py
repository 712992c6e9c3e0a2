"""What a function does to its process and to AWS is the same, bare and traced."""

import json

import pytest
from tests.twin.injection import asked, is_marked, unmarked
from tests.twin.servers import LARGEST
from tests.twin.twins import ROOT, same

DEADLINES = ["1", "1000", "100000000000000", "9999999999999999"]
ANY = ("capture.config", "capture.invocation", "capture.chosen")  # LUMITRACE_EXTRACTOR is nonsense
WRONG = ["", "nonsense", "1e9", "-1", "\u00e9\ud7ff", "x" * 100_000, "*", "None", "{}"]


def test_signals_contexts_filters_and_random_numbers(twins):
    """The user's handlers, timers, decimal contexts, filters and random sequence stay."""
    twins.compare("hosts.settled", [1, 2, 3])


@pytest.mark.parametrize("environment", [
    {},
    {"AWS_LAMBDA_LOG_FORMAT": "JSON"},
    {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"},
    {"AWS_LAMBDA_LOG_LEVEL": "INFO"},
])  # fmt: skip
def test_what_the_function_says(twins, environment):
    """Prints, warnings and log records, in text and in JSON."""
    twins.compare("hosts.logs", [1, 2], environment=environment)


@pytest.mark.parametrize(
    ("least", "level", "told"),
    [
        ("INFO", None, ["INFO", []]),
        ("DEBUG", "WARN", ["WARN", []]),
        ("WARN", None, ["INFO", ["WARN"]]),
        ("ERROR", "WARN", ["WARN", ["ERROR"]]),
        ("ERROR", "ERROR", ["ERROR", []]),
        ("FATAL", "FATAL", ["FATAL", []]),
    ],
)
def test_a_log_that_keeps_less(twins, least, level, told):
    """In JSON format it is said once, where it is seen, that the span lines are not kept."""
    environment = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": least}
    environment |= {"LUMITRACE_LEVEL": level} if level else {}

    twin = twins.run("plain.echo", [1, 2], traced=True, environment=environment)

    health = [line for line in twin.lines if line["record"] == "health"]
    rest = {line["level"] for line in twin.lines if line not in health}
    assert [*rest, [line["level"] for line in health]] == told
    assert all(f"LUMITRACE_LEVEL={least}" in line["message"] for line in health)


@pytest.mark.parametrize(
    ("environment", "cold"),
    [
        ({}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, False),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, False),
    ],
)
def test_cold_starts(twins, environment, cold):
    """Only the caller who waited for the start gets one; what was started ahead is warm."""
    twin = twins.run("plain.echo", [1, 2], traced=True, environment=environment)

    ends = [line for line in twin.lines if line["record"] == "invocation"]
    assert [it["attributes"].get("faas.coldstart", False) for it in ends] == [cold, False]
    assert next(line for line in twin.lines if line["record"] == "start").get("attributes")


@pytest.mark.parametrize("way", ["replace", "redirect", "close", "close 1", "none", "broken",
                                 "full", "stuck"])  # fmt: skip
def test_standard_output_replaced_or_closed(twins, way):
    """What cannot be written is nobody's failure."""
    twins.compare("hosts.replaced", ["", way, "after"])


def test_a_tracer_of_the_users_own(twins):
    """sys.settrace and sys.setprofile see the function's own calls, and stay set."""
    twins.compare("hosts.watched", ["", "settrace", "setprofile", "faulthandler", "stay", ""])


def test_threads(twins):
    """Threads run, fail and are counted as without us."""
    twins.compare("hosts.threads", [1, 2])


@pytest.mark.parametrize("way", ["prints", "exits"])
def test_forks(twins, way):
    """A forked child writes nothing twice, and its exit is its own."""
    twins.compare("hosts.forks", [way])


def test_the_runtime_says_strange_things(twins):
    """Deadlines absurd or past, client contexts, tenants and no trace header."""
    headers = [{"Lambda-Runtime-Deadline-Ms": it} for it in DEADLINES]
    headers += [
        {"Lambda-Runtime-Client-Context": it} for it in ('{"custom": {"a": 1}}', "no", "[]")
    ]
    headers += [{"Lambda-Runtime-Client-Context": it} for it in ('{"custom": 3}', "null", "7")]
    headers += [{"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "a"}'}]
    headers += [{"Lambda-Runtime-Aws-Tenant-Id": "blue"}, {"Lambda-Runtime-Trace-Id": "nonsense"}]
    headers += [{"Lambda-Runtime-Invoked-Function-Arn": "nonsense"}]
    headers += [{"Lambda-Runtime-Aws-Request-Id": "r-1"}]
    twins.compare("hosts.times", [(b"{}", it) for it in headers])


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_wrong_values_in_the_environment(twins, value):
    """A typo in any of our settings, or in Lambda's own, changes nothing."""
    from lumitrace.capture.variables import TABLE

    ours = {it.name: value for it in TABLE if it.name != "LUMITRACE_ENABLED"}
    theirs = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": value, "AWS_LAMBDA_LOG_STREAM_NAME": value}
    environment = {**ours, **theirs, "AWS_LAMBDA_INITIALIZATION_TYPE": value}
    twins.compare("calls.handler", ["send", "refuse"], environment=environment, healthy=ANY)
    twins.compare("plain.echo", [{"a": 1}], environment={"LUMITRACE_ENABLED": value}, written=False)


@pytest.mark.parametrize("value", ["0", "strip"])
def test_switched_off(twins, value):
    """Nothing is written at all."""
    twin = twins.compare(
        "calls.handler", ["send", "caught"], environment={"LUMITRACE_ENABLED": value}, written=False
    )

    assert not twin.lines


@pytest.mark.parametrize("way", ["bytes", "broken"])
def test_no_entropy_and_no_time(twins, way):
    """Ids and times that cannot be drawn cost the trace, not the function."""
    twins.compare("hosts.frozen", [way, way], written=False)


def test_at_the_limit_of_the_stack(twins):
    """Where the bare function just fits, the traced one does too, but for a few frames."""
    twins.compare("hosts.low", [10, 500, 900, 2000])


CALLS = ["send", "put", "attributes", "get", "query", "publish", "stream", "presigned", "threaded",
         "caught", "listened", "hooked", "unreachable", "refuse", "busy", "invalid",
         "unknown", "type", "nowhere", "breakdown", "update", "invoke", "abandoned",
         "clients", "strange", "send"]  # fmt: skip


def test_where_the_memory_ends(twins):
    """Where Lambda's own client just gets by with what is left, it does with us, and is told of."""
    twin = twins.compare("hosts.full", [0, 1 << 15, 0, 1 << 16, 0])

    assert [it["name"] for it in twin.lines if it["record"] == "span"] == ["at the end"] * 2


def test_an_answer_that_is_too_large(twins):
    """Lambda refuses it after the handler has returned: the runtime ends as it does bare."""
    twin = twins.compare("hosts.large", [LARGEST - 2, LARGEST - 1], dies=True)

    ends = [line for line in twin.lines if line["record"] == "invocation"]
    assert [it.get("status", 0) for it in ends] == [0, 0]


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("inject", ["all", "none"])
def test_calls_to_aws(twins, mode, inject):
    """Requests, answers, retries, errors and their stack traces; injection as documented."""
    environment = {"OWN_MODE": mode, "LUMITRACE_INJECT": inject, "AWS_RETRY_MODE": mode}
    twin = twins.compare("calls.handler", CALLS, environment=environment)

    marked = {it.operation for it in twin.requests if is_marked(it)}
    all_of_them = {"SendMessage", "PutItem", "Publish", "UpdateItem", "Invoke"}
    assert marked == (all_of_them if inject == "all" else set())


def test_our_own_marks_are_taken_off(twins):
    """The handler gets what it would have got from a sender without lumitrace, and reads it."""
    texts = [it.read_text("utf-8") for it in sorted((ROOT / "tests/events").glob("*.json"))]
    marked = [json.loads(it) for it in texts if '"_lumitrace"' in it]
    bare = twins.run("plain.echo", [unmarked(it) for it in marked], traced=False)

    twin = twins.run("plain.echo", marked, traced=True)

    assert len(marked) > 1
    same(bare, twin)
    bare, twin = (
        twins.run("wide.handler", [{"does": ["reads"]}], traced=it, marked=True)
        for it in (False, True)
    )
    same(bare, twin)


@pytest.mark.parametrize("handler", ["once.inside", "once.outside"])
def test_called_once_for_an_event(twins, handler):
    """Powertools' idempotency finds the event again when it is delivered again, marks or none."""
    pytest.importorskip("aws_lambda_powertools")
    event = json.loads((ROOT / "tests/events/dynamodb.json").read_text("utf-8"))
    plain = unmarked(event) if handler == "once.inside" else event
    bare = twins.run(handler, [plain, plain], traced=False)

    twin = twins.run(handler, [event, event], traced=True)

    keys = [
        [(it.operation, (it.params.get("Item") or it.params["Key"])["id"]) for it in run.requests]
        for run in (bare, twin)
    ]
    assert keys[1] == keys[0] == [("PutItem", keys[0][0][1]), ("UpdateItem", keys[0][0][1])] * 2
    assert twin.seen["posted"] == bare.seen["posted"]


def test_a_call_that_is_denied_with_our_mark(twins):
    """It is sent once more without, as the contract says; the answer is the same."""
    bare, twin = (twins.run("calls.handler", ["deny"], traced=it) for it in (False, True))

    assert twin.seen["posted"] == bare.seen["posted"]
    assert [b"_lumitrace" in it.body for it in twin.requests] == [True, False]
    twin.requests.pop(0)
    first, second = asked(bare.requests[0], twin.requests[0])
    assert first[3] == second[3]
