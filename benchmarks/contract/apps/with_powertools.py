"""Powertools for AWS Lambda: its tracer, and its logger's context.

https://docs.aws.amazon.com/powertools/python/latest/core/tracer/
"""

from aws_lambda_powertools import Logger, Tracer

tracer, logger = Tracer(), Logger()


def wrap(handler):
    """Put both decorators on *handler*, in the order of the documentation."""
    return logger.inject_lambda_context(tracer.capture_lambda_handler(handler))
