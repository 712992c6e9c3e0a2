"""Who is measured: what is installed, the function's module, and the environment.

Each as its own documentation has it by default, everything sent to a server beside the function.
"""

LAMBDA = ("awslambdaric==4.2.2", "boto3==1.44.5")

BARE = "from work import handler\n"
LUMITRACE = "from lumitrace import traced\n\nimport work\n\nhandler = traced(work.handler)\n"
XRAY = """\
from aws_xray_sdk.core import patch_all, xray_recorder

patch_all()

import work

handler = xray_recorder.capture("handler")(work.handler)
"""
POWERTOOLS = """\
from aws_lambda_powertools import Tracer

import work

tracer = Tracer(service="checkout")
handler = tracer.capture_lambda_handler(work.handler)
"""
OTEL = """\
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
BotocoreInstrumentor().instrument()

from work import handler

AwsLambdaInstrumentor().instrument(skip_dep_check=True)
"""
LUMIGO = """\
from lumigo_tracer import lumigo_tracer

import work

handler = lumigo_tracer(token="t_123456789012345678901")(work.handler)
"""
DAEMON = {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:{udp}", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR"}

# name: (what is installed, the module app.py, the environment)
TRACERS = {
    "bare": ((), BARE, {}),
    "lumitrace": (("wrapt<3",), LUMITRACE, {}),
    "lumitrace, its layer": ((), BARE, {"LUMITRACE_HANDLER": "app.handler"}),
    "lumitrace, FAST_INIT": (
        (),
        BARE,
        {"LUMITRACE_HANDLER": "app.handler", "LUMITRACE_FAST_INIT": "1"},
    ),
    "aws-xray-sdk 2.15.0": (("aws-xray-sdk==2.15.0",), XRAY, DAEMON),
    "Powertools 3.37.0": (("aws-lambda-powertools[tracer]==3.37.0",), POWERTOOLS, DAEMON),
    "OpenTelemetry 1.45.1": (
        (
            "opentelemetry-sdk==1.45.1",
            "opentelemetry-exporter-otlp-proto-http==1.45.1",
            "opentelemetry-instrumentation-aws-lambda==0.66b1",
            "opentelemetry-instrumentation-botocore==0.66b1",
        ),
        OTEL,
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:{sink}", "OTEL_SERVICE_NAME": "checkout"},
    ),
    "Lumigo 1.1.257": (
        ("lumigo_tracer==1.1.257",),
        LUMIGO,
        {"LUMIGO_TRACER_HOST": "127.0.0.1:{tls}"},
    ),
}
