"""A hop that is exact is so because of what is read: with the reading broken it is not.

Without these, a kind could be joined by something else than what its row says.
"""

import importlib
from pathlib import Path

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")
pytest.importorskip("opentelemetry.trace")
pytest.importorskip("aws_lambda_powertools")

import hop_plays  # noqa: F401  # registers its kinds
import hop_plays_of_batches  # noqa: F401  # registers its kinds
from hop_kinds import KINDS, played

from lumitrace.capture.services._service import Inbound, Record

PAGE = Path(__file__).parents[2] / "docs" / "services.md"

READERS = [
    ("sns", "SNS Publish"),
    ("sns", "Lambda destination: a topic"),
    ("sns", "Lambda's dead-letter topic"),
    ("sns", "S3 → SNS"),
    ("sqs", "SQS SendMessage"),
    ("sqs", "SQS FIFO SendMessage"),
    ("sqs", "SNS → SQS"),
    ("sqs", "EventBridge → SQS"),
    ("sqs", "Lambda destination: a queue"),
    ("sqs", "Lambda's dead-letter queue"),
    ("sqs", "SQS → EventBridge Pipe"),
    ("sqs", "SQS → `bind` → SendMessageBatch after the loop"),
    ("sqs", "SQS → Powertools' batch processor → SQS"),
    ("eventbridge", "EventBridge PutEvents"),
    ("eventbridge", "S3 → EventBridge"),
    ("eventbridge", "Lambda destination: a bus"),
    ("kinesis", "Kinesis PutRecords, each record"),
    ("firehose", "Kinesis → Firehose transformation"),
    ("firehose", "SNS → Firehose transformation"),
    ("s3", "S3 PutObject"),
    ("kafka", "Kafka (MSK), a producer that OpenTelemetry traces"),
    ("dynamodb", "DynamoDB PutItem → stream"),
    ("step_functions", "Step Functions StartExecution → task that gets the context object"),
    ("lambda_destination", "Lambda destination on failure: a function"),
    ("api_gateway", "HTTP call → API Gateway, HTTP API"),
    ("api_gateway", "HTTP call → API Gateway, custom host name not in LUMITRACE_HTTP_HOSTS"),
    ("durable", "Invoke of a durable function, each of its invocations"),
    ("function_url", "HTTP call → function URL"),
    ("alb", "HTTP call → ALB, host in LUMITRACE_HTTP_HOSTS"),
    ("appsync", "HTTP call → AppSync, host in LUMITRACE_HTTP_HOSTS"),
    ("lambda_authorizer", "Authorizer of type REQUEST → backend"),
]
ANSWERS = [
    ("sns", "SNS Publish"),
    ("sqs", "SQS SendMessageBatch, each message"),
    ("eventbridge", "EventBridge PutEvents"),
    ("kinesis", "Kinesis PutRecord"),
    ("s3", "S3 PutObject"),
    ("lambda_", "Invoke of type Event"),
    ("step_functions", "Step Functions StartExecution → task that gets the context object"),
]


def documented(beginning):
    """Return the full name of a kind, and the cells of its row in the docs."""
    [name] = [one for one in KINDS if one == beginning or one.startswith(f"{beginning} or ")]
    [row] = [one for one in PAGE.read_text("utf-8").splitlines() if one.startswith(f"| {name} |")]
    return name, [cell.strip() for cell in row.split("|")[2:6]]


@pytest.mark.parametrize(("module", "beginning"), READERS)
def test_without_its_extraction_a_hop_is_not_what_its_row_says(
    stage, monkeypatch, module, beginning
):
    """One service reads nothing: with injection or without, its hop is joined no more."""
    name, cells = documented(beginning)
    service = importlib.import_module(f"lumitrace.capture.services.{module}").service
    monkeypatch.setattr(type(service), "extract", lambda _, event: Inbound())
    monkeypatch.setattr(type(service), "extract_record", lambda _, one: Record(None))

    assert played(stage, name, "injected") != cells[0]
    if cells[1].startswith("exact") and module != "function_url":  # its START line has the id
        assert played(stage, name, "not injected") != cells[1]


@pytest.mark.parametrize(("module", "beginning"), ANSWERS)
def test_without_the_id_in_an_answer_no_link_key_joins(stage, monkeypatch, module, beginning):
    """What AWS answers the sender is the key: without injection nothing else is exact."""
    name, cells = documented(beginning)
    service = importlib.import_module(f"lumitrace.capture.services.{module}").service
    monkeypatch.setattr(type(service), "describe_response", lambda *_: [])

    assert cells[1] == "exact, link key"
    assert not played(stage, name, "not injected").startswith("exact")


def test_no_kind_is_exact_where_nothing_is_read(stage, monkeypatch):
    """Of all kinds, only those by the request id in the START line are still joined."""
    from lumitrace.capture import inbound

    monkeypatch.setattr(inbound, "extract_record", _no_record)
    monkeypatch.setattr(inbound, "extract", lambda row, *_: (row, Inbound()))

    exact = [name for name in KINDS if played(stage, name, "injected").startswith("exact")]

    assert exact == [
        "Invoke that waits, newest runtime client",
        "Invoke that waits, older runtime client",
        "Invoke of type Event",
        "HTTP call → function URL",
    ]


def _no_record(record):
    from lumitrace.capture.inbound import recognise_record

    return recognise_record(record), Record(None)
