"""Elastic APM; its extension's address is a server of this machine.

https://www.elastic.co/docs/reference/apm/agents/python/aws-lambda-support
"""

from elasticapm import capture_serverless as wrap  # noqa: F401  # app.py calls it
