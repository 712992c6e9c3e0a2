"""Sentry, with its integration of Lambda, which wraps what the runtime client calls.

https://docs.sentry.io/platforms/python/integrations/aws-lambda/
"""

import os

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration

sentry_sdk.init(
    dsn=os.environ["SENTRY_DSN"],
    integrations=[AwsLambdaIntegration()],
    traces_sample_rate=1.0,
)
