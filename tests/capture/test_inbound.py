"""Where an event came from."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumitrace import traced
from lumitrace.capture import inbound
from lumitrace.capture.config import settings
from lumitrace.capture.services import ROWS

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("name", "trigger", "route", "key"),
    [
        ("api_gateway_rest", "api-gateway-rest", "POST /sales/{id}", "apigw:JKJaXmPLvHcESHA="),
        ("api_gateway_http", "api-gateway-http", "POST /sales", "apigw:JKJaXmPLvHcESHB="),
        ("function_url", "function-url", "POST /my/*", None),
        ("alb", "alb", "GET /health", None),
        ("alb_multi_value", "alb", "GET /health", None),
    ],
)
def test_a_public_edge_starts_a_trace_and_keeps_the_claim(
    captured, context, event, name, trigger, route, key
):
    """What a stranger says of his trace is written down, and not believed."""
    traced(lambda event, context: None)(event(name), context)

    start = captured.one("start")
    assert (start["trigger"], start["route"], start["kind"]) == (trigger, route, "SERVER")
    assert start["traceId"] != TRACE
    assert "parentSpanId" not in start
    assert start["links"] == [[TRACE, SPAN, "claimed"]]
    assert start.get("linkIn", []) == ([key] if key else [])
    assert captured.one("invocation")["attributes"]["faas.trigger"] == "http"


def _rest(**identity):
    def change(event):
        event["requestContext"]["identity"].update(identity)

    return "api_gateway_rest", change


def _iam(name, **iam):
    def change(event):
        event["requestContext"]["authorizer"] = {"iam": iam}

    return name, change


@pytest.mark.parametrize(
    ("edge", "believed"),
    [
        (_rest(accountId="123456789012"), True),
        (_rest(accountId="123456789012", cognitoIdentityId="eu-west-1:1"), False),
        (_rest(accountId="999999999999"), False),
        (_rest(vpceId="vpce-1"), True),
        (_iam("api_gateway_http", accountId="123456789012", cognitoIdentity=None), True),
        (_iam("api_gateway_http", accountId="999999999999"), False),
        (_iam("api_gateway_http", accountId="123456789012", cognitoIdentity={"a": 1}), False),
        (_iam("function_url", accountId="123456789012"), True),
        (_iam("function_url", accountId="999999999999"), False),
    ],
)
def test_whom_an_edge_believes(captured, context, event, edge, believed):
    """IAM callers of the own account and private APIs continue their trace; nobody else does."""
    name, change = edge
    request = event(name)
    change(request)

    traced(lambda event, context: None)(request, context)

    start = captured.one("start")
    assert (start["traceId"] == TRACE) is believed
    assert start.get("parentSpanId") == (SPAN if believed else None)


def test_a_trusted_host_is_believed(captured, context, event, monkeypatch):
    """LUMITRACE_TRUSTED_APIS names hosts whose callers are our own."""
    monkeypatch.setattr(settings, "trusted_apis", {"id.execute-api.eu-west-1.amazonaws.com"})

    traced(lambda event, context: None)(event("api_gateway_http"), context)

    assert captured.one("start")["parentSpanId"] == SPAN


@pytest.mark.parametrize("name", ["sns", "sqs", "sqs_sns"])
def test_one_message_continues_its_senders_trace(captured, context, event, name):
    """The context in the message is the parent; its link key need not be told again."""
    traced(lambda event, context: None)(event(name), context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"], start["kind"]) == (TRACE, SPAN, "CONSUMER")
    assert "linkIn" not in start
    assert start["source"] in {"ushop_new-sales", "ushop_shipping"}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sns", "sns:95df01b4-ee98-5cb9-9903-4c221d41eb5e"),
        ("sqs", "sqs:059f36b4-87a3-44ab-83d2-661975830a7d"),
        ("sqs_sns", "sns:95df01b4-ee98-5cb9-9903-4c221d41eb5e"),
    ],
)
def test_without_a_context_the_link_key_is_told(captured, context, event, name, key):
    """The id that the sender got in its answer joins the hop."""
    message = event(name)
    text = __import__("json").dumps(message).replace("traceparent", "something")

    traced(lambda event, context: None)(__import__("json").loads(text), context)

    start = captured.one("start")
    assert start["linkIn"] == [key]
    assert start["traceId"] != TRACE


def test_several_contexts_make_links(captured, context, event):
    """A batch of strangers is a trace of its own, linked to each; the ones without are keys."""
    batch = event("sqs")
    other, none = copy.deepcopy(batch["Records"][0]), copy.deepcopy(batch["Records"][0])
    other["messageAttributes"]["traceparent"]["stringValue"] = f"00-{'a' * 32}-{'b' * 16}-01"
    none.update(messageId="m3", messageAttributes={})
    batch["Records"] += [other, none]

    traced(lambda event, context: None)(batch, context)

    start = captured.one("start")
    assert start["links"] == [[TRACE, SPAN], ["a" * 32, "b" * 16]]
    assert start["linkIn"] == ["sqs:m3"]
    assert start["traceId"] not in {TRACE, "a" * 32}
    assert start["records"] == 3


def test_records_that_agree_continue_the_trace(captured, context, event):
    """Ten messages of one sender are no strangers."""
    batch = event("sqs")
    batch["Records"] *= 10

    traced(lambda event, context: None)(batch, context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == (TRACE, SPAN)
    assert "links" not in start


def test_more_links_than_a_line_holds_are_counted(captured, context, event):
    """A batch of 300 strangers tells 256 of them, and how many it left out, in lines of 4 KiB."""
    batch = event("sqs")
    first = batch["Records"][0]
    batch["Records"] = []
    for number in range(300):
        record = copy.deepcopy(first)
        record["messageAttributes"]["traceparent"]["stringValue"] = (
            f"00-{number + 1:032x}-{SPAN}-01"
        )
        batch["Records"].append(record)

    traced(lambda event, context: None)(batch, context)

    starts = captured.all("start")
    assert sum(len(start["links"]) for start in starts) == 256
    assert len({start["spanId"] for start in starts}) == 1
    assert captured.one("invocation")["dropped"] == {"links": 44}
    assert all(len(line) <= 4096 for line in captured.text)


def test_a_stream_says_who_wrote_each_image(captured, context, event):
    """A mark that is in the old image too, or in a removed one, is the last writer's: no parent."""
    batch = event("dynamodb")

    contexts = [inbound.extract_record(record)[1].context for record in batch["Records"]]

    assert [c and c.trace_id for c in contexts] == [TRACE, TRACE, None, None]
    assert contexts[0].tables == ("c7009018",)


@pytest.mark.parametrize(("age_s", "parent"), [(1, SPAN), (3600, None)])
def test_without_old_images_the_time_of_the_mark_decides(captured, context, event, age_s, parent):
    """An update by a writer without lumitrace leaves an old mark: it is nobody's parent."""
    batch = event("dynamodb")
    record = batch["Records"][1]
    del record["dynamodb"]["OldImage"]
    written_s = int("1a200e1affb", 16) / 1000
    record["dynamodb"]["ApproximateCreationDateTime"] = written_s + age_s
    batch["Records"] = [record]

    traced(lambda event, context: None)(batch, context)

    assert captured.one("start").get("parentSpanId") == parent


def test_a_header_that_comes_twice_says_nothing(captured, context, event):
    """Which of the two would be right?"""
    request = event("api_gateway_rest")
    request["multiValueHeaders"]["TraceParent"] *= 2

    traced(lambda event, context: None)(request, context)

    assert "links" not in captured.one("start")


def test_records_alone_are_a_streams_event(captured, context, event):
    """EventBridge Pipes hands over the bare list: stripped and read all the same."""
    seen = traced(lambda event, context: event)(event("dynamodb")["Records"][:1], context)

    assert "_lumitrace" not in str(seen)
    assert captured.one("start")["parentSpanId"] == SPAN


@pytest.mark.parametrize("name", ["sns", "api_gateway_rest"])
def test_an_invoke_may_carry_any_event(captured, context, event, name):
    """The context beside the event says who called, whatever the event looks like."""

    class ClientContext:
        custom = env = client = None

    context.client_context = ClientContext()
    context.w3c = lambda: {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}

    traced(lambda event, context: None)(event(name), context)

    assert captured.one("start")["parentSpanId"] == "b" * 16
    assert context.client_context is None


def test_a_stream_event_comes_to_the_handler_without_our_mark(captured, context, event):
    """The handler sees the images that the application wrote."""
    seen = traced(lambda event, context: event)(event("dynamodb"), context)

    assert "_lumitrace" not in str(seen)
    assert seen["Records"][0]["dynamodb"]["NewImage"] == {"saleId": {"S": "1"}}


def test_strip_takes_marks_off_and_writes_nothing(monkeypatch, captured, context, event):
    """LUMITRACE_ENABLED=strip is the way to leave."""
    monkeypatch.setattr(settings, "enabled", "strip")

    seen = traced(lambda event, context: event)(event("dynamodb"), context)

    assert "_lumitrace" not in str(seen)
    assert captured.writes == []


def test_an_invoke_with_our_context_continues_the_callers_trace(captured, context):
    """The newest runtime clients hand it over beside the event."""

    class ClientContext:
        custom = env = client = None

    context.client_context = ClientContext()
    context.w3c = lambda: {"traceparent": f"00-{TRACE}-{SPAN}-01"}

    traced(lambda event, context: None)({}, context)

    start = captured.one("start")
    assert (start["trigger"], start["traceId"], start["parentSpanId"]) == ("lambda", TRACE, SPAN)
    assert context.client_context is None


def test_the_callers_own_client_context_stays(captured, context):
    """Where the caller sent one of his own, the handler gets it."""

    class ClientContext:
        custom, env, client = {"a": 1}, None, None

    context.client_context = theirs = ClientContext()
    context.w3c = lambda: {"traceparent": f"00-{TRACE}-{SPAN}-01"}

    traced(lambda event, context: None)({}, context)

    assert context.client_context is theirs


def test_an_empty_client_context_of_another_sender_stays(captured, context):
    """The newest runtime clients tell ours from it."""

    class ClientContext:
        custom = env = client = None

    context.client_context = theirs = ClientContext()
    context.w3c = dict

    traced(lambda event, context: None)({}, context)

    assert context.client_context is theirs


def test_the_xray_root_is_told(captured, context, monkeypatch):
    """The third witness."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")

    traced(lambda event, context: None)({}, context)

    assert captured.one("start")["xrayRoot"] == "5759e988bd862e3fe1be46a994272793"


KEYS = [
    "Records",
    "eventSource",
    "Sns",
    "body",
    "messageAttributes",
    "requestContext",
    "http",
    "headers",
    "dynamodb",
    "NewImage",
    "identity",
    "elb",
    "httpMethod",
    "traceparent",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner | st.sampled_from(["aws:sns", "aws:sqs", "aws:dynamodb", "x"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_event_makes_recognising_raise(event):
    """Any JSON has a row; what its service cannot read is the guard's to count."""
    assert inbound.recognise(event) in ROWS
