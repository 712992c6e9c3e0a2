"""Hops beyond topics: HTTP calls, claims, authorizers, destinations, relations."""

import pytest

HOST = "shop.example.com"


def by_tag(listed, name):
    """Return the listed transactions by the tag *name*."""
    return {row["tags"].get(name): row for row in listed["transactions"]}


def caller(night, *, status=200, began=0, lasted=20, keys=(), name="till"):
    """Write a function that asks another by HTTP; return its run and the call's span id."""
    run = night.begin(name, began, trigger="api-gateway-rest", route="POST /sales")
    call = night.span()
    night.line(
        run, began + 2, "calls", startUs=night.us(began + 1), open=[call, "http.GET", HOST, 1000]
    )
    if status:
        span = {"traceId": run.trace, "spanId": call, "parentSpanId": run.span}
        times = {"startUs": night.us(began + 2), "offsetUs": 1000, "durationUs": lasted * 1000}
        said = {"operation": "http.GET", "resource": HOST, "httpStatus": status, "kind": "CLIENT"}
        said["attributes"] = {"url.full": f"https://{HOST}/stock", "server.address": HOST}
        if status >= 500:
            said |= {"status": 2, "error": {"type": str(status)}}
        ended = began + 2 + lasted
        night.line(run, ended, "span", **{**span, **times, **said}, name="GET", linkOut=list(keys))
        night.end(run, ended + 2, began=began, lasted=lasted + 4, tags={"saleId": name})
    else:
        night.close(run, began + 3000, 3000, "Status: timeout")
    return run, call


def callee(night, claimed, *, began=10, lasted=5, keys=(), **said):
    """Write a function behind a public edge whose caller claims *claimed*."""
    links = [[*claimed, "claimed"]] if claimed else []
    start = {"trigger": "api-gateway-http", "route": "GET /stock", "links": links}
    run = night.begin("stock", began, linkIn=list(keys), **{**start, **said})
    night.end(run, began + lasted, began=began, lasted=lasted)
    return run


def witnesses(shown, function="stock"):
    """Return the witness of each invocation of *function*."""
    return [span["witness"] for span in shown["spans"] if span["name"] == function]


def test_a_claim_is_proved_by_the_call_that_it_names(night, log_file, answer):
    """Our own function wrote that very span id, and the call encloses the invocation."""
    till, call = caller(night)
    callee(night, (till.trace, call))

    _, shown = answer("show", till.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["till", "stock"]
    assert witnesses(shown) == ["context (proved)"]
    assert shown["relations"] == []
    frames = [(frame["service"], frame["name"]) for frame in shown["stack"]]
    assert frames[2:] == [("HTTP", f"GET {HOST}"), ("Lambda", "stock")]


def test_a_call_that_was_announced_and_never_ended_proves_a_claim(night, log_file, answer):
    """The caller was killed: what it asked for began before, and may go on after it."""
    till, call = caller(night, status=0)
    callee(night, (till.trace, call), began=30, lasted=9000)

    _, shown = answer("show", till.trace, night.write(log_file))

    assert witnesses(shown) == ["context (proved)"]


def test_another_tracers_header_proves_a_claim_as_ours_does(night, log_file, answer):
    """The call names the span that went out instead of its own; only in the call's time."""
    theirs = night.trace(), night.span()
    till, _ = caller(night, keys=[f"w3c:{theirs[0]}-{theirs[1]}"])
    callee(night, theirs)
    callee(night, theirs, began=9000)
    callee(night, theirs, lasted=5000)

    _, shown = answer("show", till.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["till", "stock"]
    assert witnesses(shown) == ["context (proved)"]
    assert shown["relations"] == []


def test_a_call_whose_answer_nobody_asked_for_proves_a_claim(night, log_file, answer):
    """It was sent and its connection closed at once: the other side begins after that."""
    run = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales")
    call = night.span()
    span = {"traceId": run.trace, "spanId": call, "parentSpanId": run.span, "name": "http.GET"}
    times = {"startUs": night.us(2), "offsetUs": 2000, "durationUs": 1000, "kind": "CLIENT"}
    night.line(run, 4, "span", **span, **times, operation="http.GET", resource=HOST, httpStatus=0)
    night.end(run, 4000, began=0, lasted=4000)
    callee(night, (run.trace, call), began=3000, lasted=9000)

    _, shown = answer("show", run.trace, night.write(log_file))

    assert witnesses(shown) == ["context (proved)"]


@pytest.mark.parametrize("case", ["before", "after", "outlasts the answer", "no call", "trace"])
def test_a_forged_claim_joins_nothing_and_is_shown(night, log_file, answer, case):
    """Too early, too late, too long, another span or trace: a claim stays one."""
    till, call = caller(night, began=3000)
    said = {
        "before": {"began": 10},
        "after": {"began": 9000},
        "outlasts the answer": {"lasted": 5000},
    }
    span = till.span if case == "no call" else call
    trace = "f" * 32 if case == "trace" else till.trace
    stock = callee(night, (trace, span), **{"began": 3010, **said.get(case, {})})

    path = night.write(log_file)
    _, shown = answer("show", stock.trace, path)

    assert shown["transaction"]["functions"] == ["stock"]
    [claim] = shown["relations"]
    assert (claim["relation"], claim["traceId"], claim["spanId"]) == ("claimed", trace, span)
    assert claim["transactions"] == ([till.trace] if case != "trace" else [])
    assert answer("transactions", path)[1]["total"] == 2


def test_clocks_may_differ_by_a_second(night, log_file, answer):
    """Two sandboxes have two clocks: the callee seems to begin before it was asked."""
    till, call = caller(night, began=2000)
    callee(night, (till.trace, call), began=1100)

    _, shown = answer("show", till.trace, night.write(log_file))

    assert witnesses(shown) == ["context (proved)"]


@pytest.mark.parametrize("kind", ["apigw", "lambda"])
def test_the_ids_in_an_answer_join_a_call_without_a_header(night, log_file, answer, kind):
    """Nothing was sent along; the answer's request id is the one that the callee saw."""
    request = night.request()
    till, _ = caller(night, keys=[f"{kind}:{request}"])
    keys = [f"apigw:{request}"] if kind == "apigw" else []
    callee(night, None, keys=keys, request=request if kind == "lambda" else None)

    _, shown = answer("show", till.trace, night.write(log_file))

    assert witnesses(shown) == ["link key"]


def test_an_answer_with_a_strangers_id_joins_nothing(night, log_file, answer):
    """A host that answers with the id of a request of long ago glues no strangers together."""
    stranger = callee(night, None, keys=["apigw:known"], began=0)
    caller(night, began=60_000, keys=["apigw:known", f"lambda:{stranger.request}"])

    _, listed = answer("transactions", night.write(log_file))

    assert listed["total"] == 2


def test_forged_headers_of_three_kinds_glue_no_strangers_together(night, log_file, answer):
    """A traceparent, an X-Amzn-Trace-Id and an X-Amzn-RequestId that a stranger chose."""
    root = "5759e988bd862e3fe1be46a994272793"
    till = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales", xrayRoot=root)
    publish = [night.span(), "sns.Publish", "arn:aws:sns:eu-west-1:1:sales", 3000, 1000, 200, []]
    night.end(till, 9, began=0, lasted=8, calls=[publish])
    for number in range(2):
        began = 100 + 50 * number
        forged = {"links": [[till.trace, publish[0], "claimed"]], "xrayRoot": root}
        said = {"trigger": "api-gateway-rest", "linkIn": [f"apigw:{till.request}"], **forged}
        run = night.begin("stock", began, **said)
        night.end(run, began + 9, began=began, lasted=8)

    _, listed = answer("transactions", night.write(log_file))

    assert [row["functions"] for row in listed["transactions"]] == [["till"], ["stock"], ["stock"]]


@pytest.mark.parametrize(
    ("trigger", "joined"),
    [
        *[("other", True), ("api-gateway-rest", False), ("api-gateway-http", False)],
        *[("function-url", False), ("alb", False), ("appsync", False), ("sqs", False)],
    ],
)
def test_a_forged_xray_root_joins_nobody_at_a_public_edge(night, log_file, answer, trigger, joined):
    """Where nothing else is known of a sender a root joins it, but to no stranger's request."""
    root = "5759e988bd862e3fe1be46a994272793"
    till = night.begin("till", 0, trigger="timer", xrayRoot=root)
    invoke = [night.span(), "lambda.Invoke", "stock", 3000, 1000, 200, []]
    night.end(till, 9, began=0, lasted=8, calls=[invoke])
    stock = night.begin("stock", 100, trigger=trigger, xrayRoot=root)
    night.end(stock, 109, began=100, lasted=8)

    _, listed = answer("transactions", night.write(log_file))

    found = [row["functions"] for row in listed["transactions"]]
    assert found == ([["till", "stock"]] if joined else [["till"], ["stock"]])


def test_what_a_caller_waited_for_counts_through_the_caller(night, log_file, answer):
    """The callee fails, the caller makes the best of the 502: nothing is lost."""
    till, call = caller(night, status=502)
    links = [[till.trace, call, "claimed"]]
    stock = night.begin("stock", 10, trigger="api-gateway-http", route="GET /stock", links=links)
    error = {"type": "KeyError", "message": "'sku'"}
    night.end(stock, 15, began=10, lasted=4, error=error)

    _, listed = answer("transactions", night.write(log_file))

    assert [row["state"] for row in listed["transactions"]] == ["ok"]


def test_an_authorizer_and_its_backend_are_one_transaction(night, log_file, answer):
    """They know the request by one id; a caller of ours knows it too."""
    till, _ = caller(night, keys=["apigw:r1="])
    guard = night.begin("guard", 5, trigger="authorizer", route="GET /stock", linkOut=["apigw:r1="])
    night.end(guard, 8, began=5, lasted=2)
    callee(night, None, keys=["apigw:r1="])

    path = night.write(log_file)
    _, shown = answer("show", till.trace, path)

    assert shown["transaction"]["functions"] == ["till", "guard", "stock"]
    assert witnesses(shown, "guard") == witnesses(shown) == ["link key"]
    assert answer("transactions", path)[1]["total"] == 1


def test_an_authorizer_without_a_caller_of_ours_is_the_entry(night, log_file, answer):
    """A stranger asked: the authorizer comes first, then what it let in."""
    guard = night.begin("guard", 5, trigger="authorizer", route="GET /stock", linkOut=["apigw:r1="])
    night.end(guard, 8, began=5, lasted=2)
    callee(night, None, keys=["apigw:r1="])

    _, listed = answer("transactions", night.write(log_file))

    [row] = listed["transactions"]
    assert (row["entry"], row["functions"]) == ("GET /stock", ["guard", "stock"])


def test_a_destination_is_joined_to_the_last_attempt(night, log_file, answer):
    """The key is not written: both sides know the request id."""
    till = night.sale(7, 0, bad=True)
    request = next(
        event["message"].split()[2]
        for event in night.events
        if "confirmations" in event["logGroupName"] and event["message"].startswith("START")
    )
    rescue = night.begin("rescue", 900, trigger="destination", linkIn=[f"destination:{request}"])
    night.end(rescue, 905, began=900, lasted=4)

    _, shown = answer("show", "sale-0007", night.write(log_file))

    assert shown["transaction"]["id"] == till.trace
    above = [span for span in shown["spans"] if span["depth"] == 3 and span["name"] == "rescue"]
    assert [span["witness"] for span in above] == ["link key"]
    order = [
        span["attempt"] or span["name"] for span in shown["spans"] if span["role"] == "invocation"
    ]
    assert order[-2:] == ["3/3", "rescue"]


def test_a_relation_is_shown_and_joins_nothing(night, log_file, answer, command):
    """A replayed event is told with the transaction that it came from, and is its own."""
    till = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales")
    put = [night.span(), "events.PutEvents", "default", 1000, 1000, 200, ["events:e-1"]]
    night.end(till, 9, began=0, lasted=8, calls=[put])
    again = night.begin("loyalty", 9000, trigger="events", linkIn=[["events:e-1", "replay"]])
    night.end(again, 9009, began=9000, lasted=8)
    path = night.write(log_file)

    _, shown = answer("show", again.trace, path)
    page = command("show", again.trace, path).stdout.decode()

    [replay] = shown["relations"]
    assert (replay["relation"], replay["key"]) == ("replay", "events:e-1")
    assert replay["transactions"] == [till.trace]
    assert shown["transaction"]["functions"] == ["loyalty"]
    assert f"loyalty: replay of events:e-1 (transaction {till.trace[:12]})" in page


@pytest.mark.parametrize(
    ("key", "trigger", "operation"),
    [
        ("events:e-1", "events", "events.PutEvents"),
        ("kinesis:shardId-000000000000:495", "kinesis", "kinesis.PutRecords"),
        ("s3:C3D13FE58DE4C810", "s3", "s3.PutObject"),
        (
            "states:arn:aws:states:eu-west-1:1:execution:m:e",
            "x-new",
            "stepfunctions.StartExecution",
        ),
    ],
)
def test_every_kind_of_link_key_joins(night, log_file, answer, key, trigger, operation):
    """The id that AWS gave the sender is the id that the receiver saw, whatever kind it is."""
    till = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales")
    call = [night.span(), operation, "place", 1000, 1000, 200, [key]]
    night.end(till, 9, began=0, lasted=8, calls=[call])
    run = night.begin("next", 100, trigger=trigger, source="place", linkIn=[key])
    night.end(run, 105, began=100, lasted=4)

    path = night.write(log_file)
    _, shown = answer("show", till.trace, path)

    assert witnesses(shown, "next") == ["link key"]
    assert "Lambda" not in shown["stack"][2]["service"]


def test_a_replays_xray_root_joins_nothing(night, log_file, answer):
    """Whatever root a replay bears: what it relates to did not cause it."""
    root = "5759e988bd862e3fe1be46a994272793"
    till = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales", xrayRoot=root)
    put = [night.span(), "events.PutEvents", "default", 1000, 1000, 200, ["events:e-1"]]
    night.end(till, 9, began=0, lasted=8, calls=[put])
    said = {"trigger": "events", "linkIn": [["events:e-1", "replay"]], "xrayRoot": root}
    again = night.begin("loyalty", 9000, **said)
    night.end(again, 9009, began=9000, lasted=8)

    _, listed = answer("transactions", night.write(log_file))

    assert listed["total"] == 2
