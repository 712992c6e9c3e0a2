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
