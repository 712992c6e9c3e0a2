"""Code instrumented with OpenCensus joins through OpenTelemetry's own shim.

The shim takes wrapt 1.x only, which much else has left behind: ``scripts/test --only neighbours``
runs this in a virtual environment of its own.
https://pypi.org/project/opentelemetry-opencensus-shim/
"""

from types import SimpleNamespace

import pytest

from lumitrace import testing, traced
from lumitrace.wire.context import SpanContext, format_traceparent

shim = pytest.importorskip("opentelemetry.shim.opencensus")


@pytest.fixture
def tracer():
    """OpenCensus' tracer, its spans OpenTelemetry's."""
    from opencensus.trace.samplers import AlwaysOnSampler
    from opencensus.trace.tracer import Tracer
    from opentelemetry.sdk.trace import TracerProvider

    shim.install_shim(tracer_provider=TracerProvider())
    yield Tracer(sampler=AlwaysOnSampler())
    shim.uninstall_shim()


def test_the_span_of_opencensus_is_the_parent_of_our_handler(tracer):
    """A function instrumented with OpenCensus and ours tell of one trace."""
    from opentelemetry import trace

    context = SimpleNamespace(aws_request_id="8a1c0000-0000-4000-8000-000000000001")
    with testing.capture() as captured:
        handler = traced(lambda event, context: None)
        with tracer.span(name="outer"):
            theirs = trace.get_current_span().get_span_context()
            handler({}, context)

    start = captured.one("start")
    assert theirs.is_valid
    assert int(start["traceId"], 16) == theirs.trace_id
    assert int(start["parentSpanId"], 16) == theirs.span_id


def test_code_with_opencensus_continues_our_context(tracer):
    """What stands in a message of ours is the parent of the span that OpenCensus begins."""
    from opencensus.trace.propagation.trace_context_http_header_format import (
        TraceContextPropagator,
    )
    from opencensus.trace.tracer import Tracer
    from opentelemetry import trace

    ours = SpanContext("a" * 32, "b" * 16)
    context = TraceContextPropagator().from_headers({"traceparent": format_traceparent(ours)})

    with Tracer(span_context=context).span(name="receiver"):
        span = trace.get_current_span()

    assert (span.context.trace_id, span.parent.span_id) == (int("a" * 32, 16), int("b" * 16, 16))
