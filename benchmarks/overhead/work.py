"""The function under test, the same for each tracer: ten items and a message; or nothing."""

import json
import os

if os.environ.get("WORK_BOTO", "1") == "1":
    import boto3

    table = boto3.client("dynamodb")
    topic = boto3.client("sns")

ONCE = "attribute_not_exists(saleId)"
ARN = "arn:aws:sns:eu-west-1:123456789012:sales"


def handler(event, _context):
    """Do what the path says."""
    if event["path"] == "/empty":
        return {"statusCode": 204}
    for number in range(10):
        item = {"saleId": {"S": f"628d8a-{number}"}, "total": {"N": "42.50"}}
        table.put_item(TableName="sales", Item=item, ConditionExpression=ONCE)
    topic.publish(TopicArn=ARN, Message=json.dumps({"saleId": "628d8a", "total": 42.5}))
    return {"statusCode": 201, "body": json.dumps({"saleId": "628d8a"})}
