"""Requests of API Gateway from its access logs: what reached a function, and what never did."""

import json

import pytest

START_MS = 1_795_226_400_000  # when the night begins
GROUP = "/aws/apigateway/ushop"
KEY = "Cti7VYJ4qQHYmHw="


def rest(ms, status, *, key=KEY, invoked="-", **more):
    """Return an entry of a REST API, in a format with the names of its variables."""
    return {
        "requestId": f"{ms:08x}-aaaa-4000-8000-000000000000",
        "extendedRequestId": key,
        "requestTimeEpoch": str(START_MS + ms),
        "httpMethod": "POST",
        "resourcePath": "/sales",
        "status": str(status),
        "responseLatency": "12",
        "integration.requestId": invoked,
        "integration.status": "200" if invoked != "-" else "-",
        "error.message": "-",
        "error.responseType": "-",
        **more,
    }


def till(night, ms=3, *, key=KEY, **end):
    """Write an invocation behind a REST API."""
    run = night.begin(
        "ushop_till", ms, trigger="api-gateway-rest", route="POST /sales", linkIn=[f"apigw:{key}"]
    )
    told = {"began": ms, "lasted": 5, "tags": {"saleId": "sale-0001", "total": 42.5}}
    night.end(run, ms + 6, **{**told, **end})
    return run


@pytest.fixture
def told(night, log_file, answer):
    """Ask about the night and the *entries* of an access log."""

    def ask(*asked, entries=()):
        for entry in entries:
            where = {"logGroupName": GROUP, "logStreamName": "a1b2"}
            event = {"timestamp": START_MS + 20, "message": json.dumps(entry)}
            night.events.append({**where, **event})
        _code, said = answer(*asked, night.write(log_file))
        assert isinstance(said, dict), said
        return said

    return ask


def names(shown):
    """Return the spans of an answer, each as its depth, service and name."""
    return [(one["depth"], one["service"], one["name"]) for one in shown["spans"]]


def test_a_request_stands_above_its_function(night, told):
    """The trace id stays the one that is in the function's lines."""
    run = till(night)

    shown = told("show", KEY, entries=[rest(0, 200)])

    assert shown["transaction"]["id"] == run.trace
    assert shown["transaction"]["entry"] == "POST /sales"
    assert names(shown) == [(0, "API Gateway", "POST /sales"), (1, "Lambda", "ushop_till")]
    assert shown["spans"][0]["durationUs"] == 12_000
    assert shown["spans"][1]["witness"] == "link key"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "THROTTLED"), (403, "ACCESS_DENIED"), (504, "INTEGRATION_TIMEOUT")],
)
def test_a_request_that_reached_no_function_is_lost(night, told, status, kind):
    """It is counted beside the sales that went well, and is the cause."""
    till(night)
    turned_away = rest(50, status, key="Dti7VYJ4qQHYmHw=", **{"error.responseType": kind})

    said = told("why", entries=[rest(0, 200), turned_away])

    assert (said["impact"]["transactions"], said["impact"]["lost"]) == (2, 1)
    assert said["issue"]["function"] == "API Gateway POST /sales"
    assert said["issue"]["all"] == {"failed": 1, "invocations": 2}
    assert said["cause"]["type"] == f"{status} {kind}"


def test_what_is_the_clients_own_fault_is_no_failure(night, told):
    """400, 404, a missing token: nothing of ours broke."""
    entries = [
        rest(10, 400, key="Ati7VYJ4qQHYmHw="),
        rest(20, 404, key="Bti7VYJ4qQHYmHw="),
        rest(30, 403, **{"error.responseType": "MISSING_AUTHENTICATION_TOKEN"}),
    ]
    till(night, key="another=")

    assert told("why", entries=entries)["impact"]["lost"] == 0


def test_the_client_saw_a_timeout_while_the_function_went_on(night, told):
    """The transaction failed, once, and the answer says what the function did."""
    till(night, 3, lasted=41_200, tags={"saleId": "sale-0001"})
    late = rest(0, 504, responseLatency="29000", **{"error.message": "Endpoint request timed out"})

    said = told("why", entries=[late])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["impact"]["ids"] == ["sale-0001"]
    assert said["cause"]["message"] == (
        "Endpoint request timed out; ushop_till went on and ended well after 41.2 s"
    )


def test_a_failed_function_is_not_counted_again_by_its_request(night, told):
    """The client had 502; the function is the cause."""
    error = {"type": "KeyError", "message": "'size'", "at": "app.py:9 handler"}
    till(night, error=error)

    said = told("why", entries=[rest(0, 502)])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["issue"]["function"] == "ushop_till"
    assert said["cause"]["type"] == "KeyError"


def http(ms, status, *, key=KEY, **more):
    """Return an entry of an HTTP API, in a format of objects within objects."""
    return {
        "time": "21/Nov/2026:02:00:00 +0000",
        "http": {"method": "POST", "path": "/sales/7"},
        "request_id": key,
        "route_key": "POST /sales/{id}",
        "Status": status,
        "response-latency": 12,
        "integration": {"status": "-", "requestId": "-", "error": "-"},
        **more,
    }


def test_an_entry_of_an_http_api_is_known_by_its_request_id(night, told):
    """Names in another spelling, objects within objects, numbers as numbers."""
    run = till(night)

    shown = told("show", run.request, entries=[http(0, 200)])

    assert names(shown) == [(0, "API Gateway", "POST /sales/{id}"), (1, "Lambda", "ushop_till")]
    assert shown["stack"][0]["id"] == f"req {KEY}"


def test_a_function_without_lumitrace_is_joined_by_the_integrations_request_id(night, told):
    """Its START line bears the id; its failure and the client's 502 are one loss."""
    request = night.request()
    night.say("ushop_legacy", "s1", 3, f"START RequestId: {request} Version: $LATEST\n")
    said = "[ERROR] KeyError: 'size'\nTraceback (most recent call last):"
    night.say("ushop_legacy", "s1", 5, said)
    night.say("ushop_legacy", "s1", 8, f"END RequestId: {request}\n")

    answered = told("why", entries=[rest(0, 502, invoked=request)])

    assert answered["impact"]["lost"] == answered["impact"]["transactions"] == 1
    assert answered["issue"]["function"] == "ushop_legacy"


def test_a_function_without_lumitrace_that_went_on_is_told(night, told):
    """Lambda's own lines say that it ended."""
    request = night.request()
    night.say("ushop_legacy", "s1", 3, f"START RequestId: {request} Version: $LATEST\n")
    night.say("ushop_legacy", "s1", 40_003, f"END RequestId: {request}\n")
    late = rest(0, 504, invoked=request, responseLatency="29000")

    said = told("why", entries=[late])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["cause"]["message"] == "ushop_legacy went on and ended well after 40.0 s"


def authorizer(night, ms=1, *, key=KEY):
    """Write an invocation of a REQUEST authorizer: it knows the request's id."""
    run = night.begin(
        "ushop_gate", ms, trigger="lambda-authorizer", linkOut=[f"apigw:{key}"], stream="gate"
    )
    night.end(run, ms + 2, began=ms, lasted=1)
    return run


def test_an_authorizer_stands_below_the_request_beside_the_function(night, told):
    """The request asked both; neither caused the other."""
    authorizer(night)
    run = till(night, 4)

    shown = told("show", run.request, entries=[rest(0, 200)])

    assert shown["transaction"]["id"] == run.trace
    assert names(shown) == [
        (0, "API Gateway", "POST /sales"),
        (1, "Lambda", "ushop_gate"),
        (1, "Lambda", "ushop_till"),
    ]


def test_a_request_that_its_authorizer_denied_is_lost_once(night, told):
    """The authorizer did well: it said no."""
    gate = authorizer(night)
    denied = {"error.responseType": "ACCESS_DENIED", "error.message": "not allowed"}

    shown = told("show", gate.request, entries=[rest(0, 403, **denied)])
    said = told("why")

    assert names(shown) == [(0, "API Gateway", "POST /sales"), (1, "Lambda", "ushop_gate")]
    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["cause"]["type"] == "403 ACCESS_DENIED"


def caller(night, *, status):
    """Write a function that asks the API and goes on, whatever it is answered."""
    run = night.begin("ushop_kiosk", -20, trigger="sns", source="sold")
    call = [night.span(), "http.POST", "api.ushop.example", 5000, 60_000, status]
    night.end(run, 60, began=-20, lasted=79, calls=[[*call, [f"apigw:{KEY}"]]])
    return run


def test_a_request_stands_between_its_caller_and_its_function(night, told):
    """The caller was answered and went on: its own outcome counts."""
    run = caller(night, status=502)
    till(night, error={"type": "KeyError", "message": "'size'", "at": "app.py:9 handler"})

    shown = told("show", run.request, entries=[rest(0, 502)])

    assert shown["transaction"]["id"] == run.trace
    assert names(shown) == [
        (0, "Lambda", "ushop_kiosk"),
        (1, "HTTP", "POST api.ushop.example"),
        (2, "API Gateway", "POST /sales"),
        (3, "Lambda", "ushop_till"),
    ]
    assert shown["transaction"]["state"] == "ok"


def test_a_claim_is_the_requests_and_is_proved_by_it(night, told):
    """Who asked says so in a header; the request began while that call was under way."""
    run = caller(night, status=200)
    call = json.loads(night.events[-3]["message"])["calls"][0][0]
    callee = night.begin(
        "ushop_till",
        3,
        trigger="api-gateway-rest",
        route="POST /sales",
        linkIn=[f"apigw:{KEY}"],
        links=[[run.trace, call, "claimed"]],
    )
    night.end(callee, 9, began=3, lasted=5)

    shown = told("show", callee.request, entries=[rest(0, 200)])

    found = [(one["service"], one["witness"]) for one in shown["spans"]]
    assert found[2:] == [("API Gateway", "context (proved)"), ("Lambda", "link key")]
    assert shown["relations"] == []


def test_what_no_id_joins_is_left_to_the_functions_own_lines(night, told):
    """The console's JSON format: throttled is never a function's, the rest may be."""
    error = {"type": "KeyError", "message": "'size'", "at": "app.py:9 handler"}
    till(night, error=error)
    told_by = ("requestId", "httpMethod", "resourcePath", "status")
    entries = [
        {name: entry[name] for name in told_by} | {"protocol": "HTTP/1.1", "responseLength": "36"}
        for entry in (rest(0, 502), rest(10, 429), rest(20, 200), rest(30, 403))
    ]

    said = told("why", entries=entries)

    assert (said["impact"]["lost"], said["impact"]["transactions"]) == (2, 2)
    assert (said["seen"]["unjoined"], said["seen"]["requests"]) == (3, 1)


def test_a_request_that_two_logs_hold_is_one(night, told):
    """One API may log to a group and to a stream of Firehose."""
    till(night)

    said = told("why", entries=[rest(0, 200), {**rest(0, 200), "stage": "prod"}])

    assert said["seen"]["requests"] == 1


def test_what_a_function_prints_is_no_entry(night, told):
    """An application may log its own requests, in any names."""
    night.say("ushop_till", "s1", 0, json.dumps(rest(0, 500)))
    till(night)

    said = told("why")

    assert (said["seen"]["requests"], said["impact"]["lost"]) == (0, 0)


def test_plain_lines_may_be_of_functions_and_of_an_access_log(night, log_file, answer):
    """Files that were put together, or a delivery that puts nothing between two entries."""
    till(night)
    lines = [event["message"].rstrip("\n") for event in night.events]
    both = json.dumps(rest(0, 200)) + json.dumps(rest(50, 504, key="Dti7VYJ4qQHYmHw="))
    log_file.write_text("\n".join([both, *lines]) + "\n", "utf-8")

    said = answer("why", log_file)[1]

    assert (said["seen"]["requests"], said["seen"]["invocations"]) == (2, 1)
    assert (said["impact"]["lost"], said["impact"]["transactions"]) == (1, 2)


@pytest.mark.parametrize(("read", "lost"), [(True, 1), (False, 0)])
def test_who_denied_a_request_is_known_where_the_functions_were_read(night, told, read, lost):
    """The console's JSON format of an HTTP API says neither who answered nor why."""
    names = ("requestId", "ip", "requestTime", "httpMethod", "routeKey", "status", "protocol")
    values = ("198.51.100.7", "21/Nov/2026:02:00:00 +0000", "POST", "POST /sales")
    entries = [
        dict(zip(names, (key, *values, status, "HTTP/1.1"), strict=True))
        for key, status in ((KEY, "200"), ("Dti7VYJ4qQHYmHw=", "403"))
    ]
    till(night, key=KEY if read else "Eti7VYJ4qQHYmHw=")

    assert told("why", entries=entries)["impact"]["lost"] == lost
