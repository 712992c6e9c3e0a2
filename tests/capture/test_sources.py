"""Each shape of event that AWS documents: what it is taken for, and what it says of its sender."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumitrace import traced
from lumitrace.capture import inbound
from lumitrace.capture.services import ROWS

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OURS = "a parent"
CLAIM = "a claim"
EVENT = "events:17793124-05d4-b198-2fde-7ededc63b103"
S3 = "s3:C3D13FE58DE4C810"
SNS = "sns:95df01b4-ee98-5cb9-9903-4c221d41eb5e"
SQS = "sqs:059f36b4-87a3-44ab-83d2-661975830a7d"
FAILED = "destination:e4b46cbf-b738-4880-b2a3-49ea1a2f9f0d"
SHARD = "kinesis:shardId-000000000006"
FIRST = f"{SHARD}:49590338271490256608559692538361571095921575989136588898"
SECOND = f"{SHARD}:49590338271490256608559692540925702759324208523137515618"
EXECUTION = "states:arn:aws:states:eu-west-1:123456789012:execution:ushop_returns:r-1"
DURABLE = (
    "durable:arn:aws:lambda:eu-west-1:123456789012:function:ushop_returns:7"
    "/durable-execution/return-628d8a/1e2d3c4b-0000-4000-8000-000000000001"
)

SHAPES = [
    # file, trigger, source or route, what joins it: our context, a claim, link keys
    ("alb", "alb", "GET /health", [CLAIM]),
    ("alb_multi_value", "alb", "GET /health", [CLAIM]),
    ("api_gateway_http", "api-gateway-http", "POST /sales", [CLAIM, "apigw:JKJaXmPLvHcESHB="]),
    ("api_gateway_http_v1", "api-gateway-rest", "POST /sales", [CLAIM, "apigw:JKJaXmPLvHcESHA="]),
    (
        "api_gateway_rest",
        "api-gateway-rest",
        "POST /sales/{id}",
        [CLAIM, "apigw:JKJaXmPLvHcESHA="],
    ),
    (
        "api_gateway_websocket_connect",
        "api-gateway-websocket",
        "$connect",
        [CLAIM, "apigw:DxS-eGpbDoEFZ9w="],
    ),
    (
        "api_gateway_websocket_message",
        "api-gateway-websocket",
        "sendmessage",
        ["apigw:DxS-eGpbDoEFZ9w="],
    ),
    ("appsync", "appsync", "Mutation createSale", [CLAIM]),
    ("appsync_authorizer", "appsync", "", [CLAIM]),
    ("appsync_batch", "appsync", "Mutation createSale", [CLAIM]),
    (
        "durable",
        "durable",
        "ushop_returns",
        [DURABLE],
    ),
    ("dynamodb", "dynamodb", "ushop_sales", None),
    ("eventbridge", "events", "ushop.sales", [EVENT]),
    ("eventbridge_injected", "events", "ushop.sales", [OURS]),
    ("eventbridge_lambda_destination", "events", "lambda", [FAILED]),
    ("eventbridge_replay", "events", "ushop.sales", [[EVENT, "replay"]]),
    ("eventbridge_s3", "events", "aws.s3", [S3]),
    ("eventbridge_scheduled", "events", "aws.events", [EVENT]),
    ("eventbridge_scheduler", "events", "aws.scheduler", [EVENT]),
    ("eventbridge_states", "events", "aws.states", [EXECUTION]),
    ("firehose", "firehose", "ushop_archive", []),
    ("firehose_kinesis", "firehose", "ushop_archive", [FIRST]),
    ("firehose_sns", "firehose", "ushop_archive", [SNS]),
    ("function_url", "function-url", "POST /my/*", [CLAIM]),
    ("kafka_msk", "kafka", "clicks", [OURS]),
    ("kafka_self_managed", "kafka", "clicks", [OURS]),
    ("kinesis", "kinesis", "ushop_clicks", [FIRST, SECOND]),
    ("kinesis_window", "kinesis", "ushop_clicks", []),
    (
        "lambda_authorizer_http",
        "lambda-authorizer",
        "POST /sales",
        [CLAIM, "apigw:JKJaXmPLvHcESHB="],
    ),
    (
        "lambda_authorizer_http_v1",
        "lambda-authorizer",
        "POST /sales",
        [CLAIM, "apigw:JKJaXmPLvHcESHA="],
    ),
    (
        "lambda_authorizer_request",
        "lambda-authorizer",
        "POST /sales",
        [CLAIM, "apigw:JKJaXmPLvHcESHA="],
    ),
    ("lambda_authorizer_token", "lambda-authorizer", "", []),
    ("lambda_destination_failure", "lambda-destination", "ushop_receipt", [FAILED]),
    ("lambda_destination_stream", "lambda-destination", "ushop_clicks", [FAILED]),
    ("lambda_destination_success", "lambda-destination", "ushop_receipt", [FAILED]),
    ("pipes_kafka", "kafka", "clicks", [OURS]),
    ("pipes_kinesis", "kinesis", "ushop_clicks", [FIRST]),
    ("pipes_sqs", "sqs", "ushop_shipping", [OURS]),
    ("s3", "s3", "ushop-receipts", [S3]),
    ("sns", "sns", "ushop_new-sales", [OURS]),
    ("sns_dead_letter", "sns", "ushop_new-sales", [FAILED]),
    ("sns_eventbridge", "sns", "ushop_new-sales", [EVENT]),
    ("sns_lambda_destination", "sns", "ushop_new-sales", [FAILED]),
    ("sns_s3", "sns", "ushop_new-sales", [S3]),
    ("sqs", "sqs", "ushop_shipping", [OURS]),
    ("sqs_dead_letter", "sqs", "ushop_shipping", [FAILED]),
    ("sqs_eventbridge", "sqs", "ushop_shipping", [EVENT]),
    ("sqs_eventbridge_large", "sqs", "ushop_shipping", [EVENT]),
    ("sqs_eventbridge_moved", "sqs", "ushop_shipping", [OURS]),
    ("sqs_eventbridge_moved_whole", "sqs", "ushop_shipping", [EVENT]),
    ("sqs_fifo", "sqs", "ushop_shipping", [OURS]),
    ("sqs_lambda_destination", "sqs", "ushop_shipping", [FAILED]),
    ("sqs_redrive", "sqs", "ushop_shipping", [OURS]),
    ("sqs_s3", "sqs", "ushop_shipping", [S3]),
    ("sqs_sns", "sqs", "ushop_shipping", [OURS]),
    ("sqs_sns_large", "sqs", "ushop_shipping", [OURS]),
    ("sqs_sns_raw", "sqs", "ushop_shipping", [OURS]),
    ("sqs_sns_s3", "sqs", "ushop_shipping", [S3]),
    ("step_functions_context", "stepfunctions", "ushop_returns", [EXECUTION]),
    ("step_functions_execution_id", "stepfunctions", "ushop_returns", [EXECUTION]),
    # only recognised
    ("bedrock_agent", "bedrock-agent", "", []),
    ("bedrock_agent_function", "bedrock-agent", "", []),
    ("cloudformation", "cloudformation", "", []),
    ("cloudfront", "cloudfront", "", []),
    ("cloudwatch_alarm", "cloudwatch", "", []),
    ("codepipeline", "codepipeline", "", []),
    ("cognito", "cognito", "", []),
    ("cognito_sync", "cognito", "", []),
    ("config", "config", "", []),
    ("connect", "connect", "", []),
    ("iot_1_click", "iot", "", []),
    ("iot_authorizer", "iot", "", []),
    ("iot_button", "iot", "", []),
    ("lex_v1", "lex", "", []),
    ("lex_v2", "lex", "", []),
    ("logs", "logs", "", []),
    ("mq_active", "mq", "", []),
    ("mq_rabbit", "mq", "", []),
    ("other", "other", "", []),
    ("s3_batch", "s3-batch", "", []),
    ("s3_object_lambda", "s3-object-lambda", "", []),
    ("secrets_manager_rotation", "secretsmanager", "", []),
    ("ses", "ses", "", []),
    ("vpc_lattice_v1", "vpc-lattice", "", []),
    ("vpc_lattice_v2", "vpc-lattice", "", []),
]


@pytest.mark.parametrize(("name", "trigger", "where", "joined"), SHAPES)
def test_a_documented_event_is_known(captured, context, event, name, trigger, where, joined):
    """Its service, its topic, queue or route, and every witness of its sender."""
    traced(lambda event, context: None)(event(name), context)

    start = captured.one("start")
    assert start["trigger"] == trigger
    assert start.get("route", start.get("source", "")) == where
    if joined is not None:
        assert _witnesses(start) == joined
    assert captured.all("health") == []


def _witnesses(start):
    ours = [OURS] if (start["traceId"], start.get("parentSpanId")) == (TRACE, SPAN) else []
    claims = [CLAIM for link in start.get("links", ()) if link == [TRACE, SPAN, "claimed"]]
    return ours + claims + start.get("linkIn", [])


def test_every_event_file_is_in_the_table():
    """A shape that has a file has a row above."""
    folder = Path(__file__).parents[1] / "events"

    assert {path.stem for path in folder.glob("*.json")} == {shape[0] for shape in SHAPES}


def test_an_authorizer_is_known_by_the_backends_id(captured, context, event):
    """What API Gateway calls next finds the same id in its own event."""
    traced(lambda event, context: None)(event("lambda_authorizer_request"), context)

    start = captured.one("start")
    assert start["linkOut"] == start["linkIn"] == ["apigw:JKJaXmPLvHcESHA="]


def test_a_message_received_again_says_how_often(captured, context, event):
    """A redriven message keeps its context, and the line tells that it was tried before."""
    traced(lambda event, context: None)(event("sqs_redrive"), context)

    start = captured.one("start")
    assert (start["receiveCount"], start["parentSpanId"]) == (3, SPAN)


def test_an_injected_detail_comes_to_the_handler_as_it_was_sent(captured, context, event):
    """Our member is taken off again."""
    seen = traced(lambda event, context: event)(event("eventbridge_injected"), context)

    assert seen["detail"] == {"saleId": "628d8a"}


def test_a_tenant_is_named(captured, context, event):
    """A function in tenant isolation mode says whose invocation this was."""
    context.tenant_id = "acme"

    traced(lambda event, context: None)(event("sqs"), context)

    assert captured.one("invocation")["attributes"]["lumitrace.tenant_id"] == "acme"


def test_a_batch_larger_than_the_links_is_counted(captured, context, event):
    """The first 256 records are told; how many there are is told too."""
    batch = event("sqs")
    batch["Records"] *= 1000

    traced(lambda event, context: None)(batch, context)

    starts = captured.all("start")
    assert starts[0]["records"] == 1000
    assert starts[0]["traceId"] != TRACE
    assert captured.one("invocation")["dropped"] == {"links": 744}


@pytest.mark.parametrize(
    "name", ["kinesis", "pipes_kafka", "firehose_sns", "sqs_s3", "kafka_msk", "pipes_kinesis"]
)
def test_a_record_alone_is_known_too(event, name):
    """``lumitrace.record(r)`` sees one record, without the event around it."""
    batch = event(name)
    records = batch if isinstance(batch, list) else batch.get("Records") or batch["records"]
    one = records["clicks-0"][0] if isinstance(records, dict) else records[0]

    row, record = inbound.extract_record(one)

    assert row is inbound.recognise(batch)
    assert record.context or record.link_key
    assert record.identifier


def _keys(value):
    if isinstance(value, list):
        return {key for one in value for key in _keys(one)}
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in _keys(one)}
    return set()


EVENTS = Path(__file__).parents[1] / "events"
KEYS = sorted(_keys([json.loads(path.read_text("utf-8")) for path in EVENTS.glob("*.json")]))
TEXTS = ["aws:sns", "aws:sqs", "aws:s3", "aws:kafka", "aws:kinesis", "REQUEST", "Notification"]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(TEXTS)
ANY = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner | inner.map(json.dumps), max_size=5)
    ),
    max_leaves=16,
)


def read(event):
    """Read *event* as an invocation does; any exception is the test's."""
    row, found = inbound.extract(inbound.recognise(event), event, None)
    for record in found.records:
        assert record.link_key is None or isinstance(record.link_key, str)
    inbound.clean(row, event, None)
    for record in event if isinstance(event, list) else [event]:
        inbound.extract_record(record)
    return row


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
@given(ANY)
def test_no_json_makes_reading_raise(event):
    """Any JSON of the keys that AWS uses is a service's or `other`, partly read or not at all."""
    assert read(event) in ROWS


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
@given(st.sampled_from([shape[0] for shape in SHAPES]), st.data())
def test_a_damaged_event_is_read_as_far_as_it_goes(name, data):
    """One part of a documented event is of a wrong type, cut or missing."""
    event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    place = event
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.integers(0, 3)) == 0 or not isinstance(place[key], dict | list):
            place[key] = data.draw(ANY)
            break
        place = place[key]

    assert read(event) in ROWS


@pytest.mark.parametrize(
    "body",
    ["[" * 16_000, '{"a":' * 3_000, '{"Type":"Notification"', "{" + "x" * 20_000, "\ud800{", "{}"],
)
def test_a_hostile_body_is_opaque(event, body):
    """What cannot be parsed leaves the queue's own key."""
    batch = event("sqs_eventbridge")
    batch["Records"][0]["body"] = body

    _, record = inbound.extract_record(batch["Records"][0])

    assert record.link_key == SQS


def test_nesting_ends_at_four(event):
    """Deeper than that nobody looks."""
    inner = event("eventbridge")
    batch = event("sqs_eventbridge")
    found = []
    for _ in range(5):
        batch["Records"][0]["body"] = json.dumps(inner)
        found.append(inbound.extract_record(batch["Records"][0])[1].link_key)
        inner = {"wrapped": inner}

    assert found == [EVENT, EVENT, EVENT, EVENT, SQS]
