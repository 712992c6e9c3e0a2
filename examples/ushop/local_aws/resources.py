"""Makes a template's tables, topics, queues, streams, buckets, through boto3 at any endpoint."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import template as t

if TYPE_CHECKING:
    from .clients import Clients
    from .template import Template

_TABLE_PROPERTIES = {
    "TableName",
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "StreamSpecification",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
}


@dataclass(frozen=True)
class Made:
    """The functions, which only now can be resolved, and the queues by ARN."""

    functions: list[t.Function]
    queue_urls: dict[str, str]


def make(template: Template, clients: Clients) -> Made:
    """Make everything that *template* names, or take it where it is there already.

    Raises:
        TemplateError: A reference leads nowhere, or a subscription is none of a queue.
    """
    for logical_id, properties in template.of_type(t.TABLE).items():
        _make_table(template, clients, logical_id, template.resolve(properties))
    for logical_id, properties in template.of_type(t.STREAM).items():
        _make_stream(template, clients, logical_id, template.resolve(properties))
    for logical_id, properties in template.of_type(t.BUCKET).items():
        name = template.resolve(properties).get("BucketName", logical_id.lower())
        with contextlib.suppress(clients.s3.exceptions.BucketAlreadyOwnedByYou):
            clients.s3.create_bucket(Bucket=name)
        template.learn(logical_id, name, Arn=f"arn:aws:s3:::{name}")
    for logical_id, properties in template.of_type(t.TOPIC).items():
        name = template.resolve(properties).get("TopicName", logical_id)
        arn = clients.sns.create_topic(Name=name)["TopicArn"]
        template.learn(logical_id, arn, TopicArn=arn, TopicName=name)
    urls: dict[str, str] = {}
    for logical_id, properties in template.of_type(t.QUEUE).items():
        arn, url = _make_queue(template, clients, logical_id, properties)
        urls[arn] = url
    for policy in map(template.resolve, template.of_type(t.QUEUE_POLICY).values()):
        for url in policy["Queues"]:
            told = {"Policy": json.dumps(policy["PolicyDocument"])}
            clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=told)
    for logical_id, properties in template.of_type(t.SUBSCRIPTION).items():
        template.learn(logical_id, _subscribe(clients, logical_id, template.resolve(properties)))
    return Made(template.functions(), urls)


def _make_table(
    template: Template, clients: Clients, logical_id: str, properties: dict[str, Any]
) -> None:
    wanted = {name: value for name, value in properties.items() if name in _TABLE_PROPERTIES}
    name = wanted.setdefault("TableName", logical_id)
    if "StreamSpecification" in wanted:
        wanted["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
    with contextlib.suppress(clients.dynamodb.exceptions.ResourceInUseException):
        clients.dynamodb.create_table(**wanted)
    clients.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    table = clients.dynamodb.describe_table(TableName=name)["Table"]
    template.learn(
        logical_id, name, Arn=table["TableArn"], StreamArn=table.get("LatestStreamArn", "")
    )


def _make_stream(
    template: Template, clients: Clients, logical_id: str, properties: dict[str, Any]
) -> None:
    name = properties.get("Name", logical_id)
    with contextlib.suppress(clients.kinesis.exceptions.ResourceInUseException):
        clients.kinesis.create_stream(StreamName=name, ShardCount=properties.get("ShardCount", 1))
    clients.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    summary = clients.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    template.learn(logical_id, name, Arn=summary["StreamARN"])


def _make_queue(
    template: Template, clients: Clients, logical_id: str, properties: dict[str, Any]
) -> tuple[str, str]:
    attributes = dict(template.resolve(properties))
    name = attributes.pop("QueueName", logical_id)
    attributes.pop("Tags", None)
    told = {
        key: json.dumps(it) if isinstance(it, dict) else str(it) for key, it in attributes.items()
    }
    url = clients.sqs.create_queue(QueueName=name, Attributes=told)["QueueUrl"]
    answer = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    template.learn(logical_id, url, Arn=arn, QueueName=name, QueueUrl=url)
    return arn, url


def _subscribe(clients: Clients, logical_id: str, properties: dict[str, Any]) -> str:
    if properties.get("Protocol") != "sqs":
        protocol = properties.get("Protocol")
        message = f"{logical_id}: the protocol {protocol} is not played here, only sqs"
        raise t.TemplateError(message)
    attributes = {}
    if properties.get("RawMessageDelivery") in (True, "true"):
        attributes["RawMessageDelivery"] = "true"
    if "FilterPolicy" in properties:
        attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
    answer = clients.sns.subscribe(
        TopicArn=properties["TopicArn"],
        Protocol="sqs",
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    arn: str = answer["SubscriptionArn"]
    return arn
