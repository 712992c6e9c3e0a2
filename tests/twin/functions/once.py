"""Handlers that Powertools calls once for an event, however often it comes."""

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from door import traced

layer = DynamoDBPersistenceLayer(table_name="once")
config = IdempotencyConfig(raise_on_no_idempotency_key=True)


@traced
@idempotent(persistence_store=layer, config=config)
def inside(event, context):
    """Be called once; lumitrace is outermost."""
    return len(event["Records"])


@idempotent(persistence_store=layer, config=config)
@traced
def outside(event, context):
    """Be called once; Powertools is outermost."""
    return len(event["Records"])
