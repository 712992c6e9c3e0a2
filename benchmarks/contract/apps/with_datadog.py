"""Datadog, with traces and metrics in the log (its Forwarder), as there is no extension here.

https://docs.datadoghq.com/serverless/aws_lambda/installation/python/
"""

from datadog_lambda.wrapper import datadog_lambda_wrapper as wrap  # noqa: F401  # app.py calls it
