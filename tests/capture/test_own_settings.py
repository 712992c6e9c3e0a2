"""What the user names: a function that finds a context, paths that become tags."""

import base64
import json
import sys
from types import ModuleType

import pytest

from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.wire.header import parse_b3, parse_headers, parse_uber, parse_xray

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def run(context, event):
    """Hand *event* to a handler that does nothing."""
    return traced(lambda event, context: None)(event, context)


@pytest.mark.parametrize("answer", [TRACEPARENT, {"traceparent": TRACEPARENT}])
def test_an_extractor_of_ones_own_is_believed(captured, context, monkeypatch, answer):
    """It gets the event and Lambda's context, and is asked where no parser found one."""
    module = ModuleType("my_extractor")
    seen = []
    module.find = lambda event, context: seen.append((event, context)) or answer
    monkeypatch.setitem(sys.modules, "my_extractor", module)
    monkeypatch.setattr(settings, "extractor", "my_extractor:find")

    run(context, {"mine": 1})

    assert captured.one("start")["parentSpanId"] == SPAN
    assert seen == [({"mine": 1}, context)]


def test_paths_into_the_event_become_tags(captured, context, event, monkeypatch):
    """Texts on the way are JSON, header names have any case, what is not there is left out."""
    paths = "body.saleId, headers.x-tenant,body.items.0.sku,body.gone.x,body"
    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_TAGS": paths})
    request = event("api_gateway_http")
    request["headers"]["X-Tenant"] = "acme"
    request["body"] = json.dumps({"saleId": "628d8a", "items": [{"sku": 7}]})

    run(context, request)

    tags = captured.one("start")["tags"]
    assert tags == {"saleId": "628d8a", "x-tenant": "acme", "sku": 7, "body": request["body"]}


def test_a_body_in_base64_is_read(captured, context, event):
    """API Gateway encodes what it takes for binary."""
    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_TAGS": "body.saleId"})
    request = event("api_gateway_http")
    request["body"] = base64.b64encode(b'{"saleId": "1"}').decode()
    request["isBase64Encoded"] = True

    run(context, request)

    assert captured.one("start")["tags"] == {"saleId": "1"}


@pytest.mark.parametrize("body", ["x" * 20_000, "[" * 9_000, "{", 7, None, '{"saleId": {}}'])
def test_what_is_no_tag_is_left_out(captured, context, body):
    """Too long, no JSON, too deep, or no single value."""
    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_TAGS": "body.saleId"})

    run(context, {"body": body})

    assert "tags" not in captured.one("start")


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT, "b3": f"{'1' * 32}-{'2' * 16}"},
        {"b3": f"{TRACE}-{SPAN}-1-{'a' * 16}"},
        {"x-b3-traceid": TRACE.upper(), "x-b3-spanid": SPAN},
        {"uber-trace-id": f"{TRACE}:{SPAN.lstrip('0')}:0:1"},
        {"uber-trace-id": f"{TRACE}%3A{SPAN}%3A0%3A1"},
    ],
)
def test_headers_of_other_tracers_are_read(headers):
    """W3C first, then B3 and Jaeger."""
    found = parse_headers(headers.get)

    assert (found.trace_id, found.span_id) == (TRACE, SPAN)


def test_a_trace_id_of_64_bits_is_padded():
    """As B3 and Jaeger say."""
    assert parse_b3(f"{SPAN}-{SPAN}").trace_id == "0" * 16 + SPAN
    assert parse_uber(f"{SPAN}:{SPAN}:0:1").trace_id == "0" * 16 + SPAN


@pytest.mark.parametrize("text", [None, 7, "", "-", ":::", "0-0", "x" * 300, f"{TRACE}-", [SPAN]])
def test_what_is_no_header_gives_nothing(text):
    """A stranger wrote it."""
    assert parse_b3(text) is parse_uber(text) is parse_xray(text) is None


def test_xrays_header_is_never_more_than_a_claim(captured, context, event, monkeypatch):
    """AWS reuses a root for whatever a poller sends on: even a trusted caller's joins nothing."""
    monkeypatch.setattr(settings, "trusted_apis", {"id.execute-api.eu-west-1.amazonaws.com"})
    request = event("api_gateway_http")
    request["headers"] = {"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN}"}

    run(context, request)

    start = captured.one("start")
    assert start["traceId"] != TRACE
    assert start["links"] == [[TRACE, SPAN, "claimed"]]
