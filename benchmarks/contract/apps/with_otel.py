"""OpenTelemetry: what its Lambda layer sets up, with the instrumentations of what is called here.

https://opentelemetry-python-contrib.readthedocs.io/en/latest/instrumentation/aws_lambda/aws_lambda.html
"""

import os

from opentelemetry import metrics, trace
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.instrumentation.boto3sqs import Boto3SQSInstrumentor
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

if os.environ.get("OTEL_TRACES_EXPORTER") == "console":  # the tests', to which nothing listens
    exporter = ConsoleSpanExporter()
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter()
provider = TracerProvider(resource=Resource.create({"service.name": "orders"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider())  # the instrumentation asks for one
BotocoreInstrumentor().instrument()
Boto3SQSInstrumentor().instrument()
URLLib3Instrumentor().instrument()


def ready():
    """Wrap the attribute of the module that ``_HANDLER`` names."""
    AwsLambdaInstrumentor().instrument()
