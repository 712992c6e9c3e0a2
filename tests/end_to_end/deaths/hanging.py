"""A function that hangs in a call to AWS: at that address nobody ever answers."""

import boto3
from botocore.config import Config

import lumitrace

orders = boto3.client("dynamodb")


@lumitrace.traced
def handler(event, _context):
    """Read an order, then wait for a table that says nothing."""
    orders.list_tables()
    patient = Config(retries={"total_max_attempts": 1}, read_timeout=600)
    silent = boto3.client("dynamodb", endpoint_url=event["silent"], config=patient)
    silent.get_item(TableName="payments", Key={"id": {"S": event["saleId"]}})
