"""Other tracers in the same function: X-Ray's SDK, OpenTelemetry, and what joins through it."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture import doors
from lumitrace.capture.guard import reporter

ROOT = "5759e988bd862e3fe1be46a994272793"
HEADER = f"Root=1-{ROOT[:8]}-{ROOT[8:]};Parent=53995c3f42cd8ad8;Sampled=1"
KEY = {"k": {"S": "1"}}


@pytest.fixture(autouse=True)
def _own_memory():
    """What the process remembers of its neighbours is this test's alone."""
    from lumitrace.capture.integrations import opentelemetry, xray

    doors.install.cache_clear()
    opentelemetry.last.trace_id = ""
    xray.noted.traces.clear()
    yield
    doors.install.cache_clear()


@pytest.fixture
def xray(captured, monkeypatch):
    """X-Ray's SDK as in Lambda; what it would send to the daemon is kept."""
    core = pytest.importorskip("aws_xray_sdk.core")
    from aws_xray_sdk.core.lambda_launcher import LambdaContext
    from aws_xray_sdk.core.models.subsegment import Subsegment

    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    monkeypatch.setattr(Subsegment, "__init__", Subsegment.__init__)
    sent = []
    recorder = core.xray_recorder
    monkeypatch.setattr(recorder, "_context", LambdaContext())
    monkeypatch.setattr(recorder, "_sampling", False)
    recorder.emitter._socket.close()  # the SDK leaves it open
    monkeypatch.setattr(recorder, "_emitter", SimpleNamespace(send_entity=sent.append))
    monkeypatch.setattr(recorder.streaming, "_threshold", 0)  # as in Lambda
    return SimpleNamespace(recorder=recorder, sent=sent)


def notes(xray):
    """Return name and annotations of what was sent, children first."""
    found = []

    def walk(entity):
        for child in entity.subsegments:
            walk(child)
        if entity.annotations:
            found.append((entity.name, dict(entity.annotations)))

    for entity in xray.sent:
        walk(entity)
    return found


def test_the_first_subsegment_names_our_trace_and_our_line_names_xrays(xray, captured, context):
    """Both ways lead to the other; further subsegments of the trace say it no second time."""

    @traced
    def handler(event, context):
        with xray.recorder.in_subsegment("price") as subsegment:
            subsegment.put_annotation("saleId", "s-1")
            with xray.recorder.in_subsegment("discount"):
                pass
        with xray.recorder.in_subsegment("ship"):
            pass

    handler({}, context)

    start = captured.one("start")
    assert start["xrayRoot"] == ROOT
    assert notes(xray) == [("price", {"saleId": "s-1", "lumitrace_trace_id": start["traceId"]})]


def test_a_subsegment_around_the_handler_is_annotated(xray, captured, context):
    """Powertools' and X-Ray's own decorators may stand outside ours."""
    inner = traced(lambda event, context: None)

    with xray.recorder.in_subsegment("## handler"):
        inner({}, context)

    trace = captured.one("start")["traceId"]
    assert notes(xray) == [("## handler", {"lumitrace_trace_id": trace})]


def test_a_subsegment_left_open_by_an_earlier_invocation_stays_as_it_is(
    xray, captured, context, monkeypatch
):
    """What leaked from another request is not told of this one."""
    leaked = xray.recorder.begin_subsegment("leaked")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER.replace("5759e988", "5759e989"))

    traced(lambda event, context: None)({}, context)

    assert leaked.annotations == {}


def test_a_record_of_another_trace_has_an_annotation_of_its_own(xray, captured, context):
    """At most ten an invocation: X-Ray indexes fifty a trace, and they are the application's."""
    event = {"Records": [{"eventSource": "aws:sqs", "messageId": f"m{i}"} for i in range(12)]}

    @traced
    def handler(event, context):
        traces = []
        for record in event["Records"]:
            with lumitrace.record(record), xray.recorder.in_subsegment("work"):
                traces.append(lumitrace.trace_id())
        return traces

    traces = handler(event, context)

    assert [said["lumitrace_trace_id"] for _, said in notes(xray)] == traces[:10]
    assert len(set(traces)) == 12


def test_without_a_subsegment_nothing_is_asked_of_the_sdk(xray, captured, context, monkeypatch):
    """No log line of X-Ray's, no segment of its making: it is as if we were not there."""
    monkeypatch.setattr(type(xray.recorder.context), "_refresh_context", lambda self: 1 / 0)

    traced(lambda event, context: None)({}, context)

    assert vars(xray.recorder.context._local) == {}
    assert captured.all("health") == []


def test_xray_outside_lambda_is_as_it_was(xray, captured, context):
    """Subsegments outside an invocation of ours bear nothing."""
    traced(lambda event, context: None)

    with xray.recorder.in_subsegment("alone"):
        pass

    assert notes(xray) == []


def test_a_wrong_subsegment_fails_as_before(xray, captured):
    """The exception is the SDK's, and no frame of ours is in it."""
    from aws_xray_sdk.core.models.subsegment import Subsegment

    traced(lambda event, context: None)

    with pytest.raises(Exception, match="parent segment is required") as caught:
        Subsegment("name", "local", None)

    frames = []
    walked = caught.value.__traceback__
    while walked is not None:
        frames.append(walked.tb_frame.f_code.co_filename)
        walked = walked.tb_next
    assert len(frames) == 2 + (sys.version_info < (3, 11)), frames


def test_an_xray_sdk_that_we_do_not_know_costs_the_annotation_alone(
    xray, captured, context, monkeypatch
):
    """The handler runs, and its lines are written."""
    monkeypatch.setattr(xray.recorder, "_context", object())
    monkeypatch.setattr(reporter, "reraise", False)

    assert traced(lambda event, context: "fine")({}, context) == "fine"

    assert captured.one("invocation")
    assert "AttributeError" in captured.one("health")["message"]


@pytest.fixture
def otel(captured):
    """An OpenTelemetry provider that samples everything, and what it finished."""
    pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return SimpleNamespace(
        provider=provider,
        tracer=provider.get_tracer("test"),
        finished=exporter.get_finished_spans,
    )


def ids_of(span):
    """Return trace id and span id of an OpenTelemetry span, as the wire spells them."""
    context = span.get_span_context()
    return format(context.trace_id, "032x"), format(context.span_id, "016x")


def test_the_span_around_the_handler_is_its_parent(otel, captured, context):
    """An event without a context: the trace is OpenTelemetry's, and so is the parent."""
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("outer") as outer:
        handler({}, context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == ids_of(outer)


def test_senders_of_another_trace_are_linked_to_it(otel, captured, context, event):
    """Both joins hold: to the sender by a link, to what OpenTelemetry sends on by the trace."""
    message = event("sqs")
    record = message["Records"][0]
    theirs = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    record["messageAttributes"] = {"traceparent": {"stringValue": theirs, "dataType": "String"}}
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("outer") as outer:
        handler({"Records": [record]}, context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == ids_of(outer)
    assert start["links"] == [["a" * 32, "b" * 16]]


def test_a_sender_of_the_same_trace_stays_the_parent(otel, captured, context, event):
    """OpenTelemetry continued the message too: the sender's span is one that our lines know."""
    record = event("sqs")["Records"][0]
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("outer") as outer:
        trace, _ = ids_of(outer)
        value = f"00-{trace}-{'b' * 16}-01"
        record["messageAttributes"] = {"traceparent": {"stringValue": value}}
        handler({"Records": [record]}, context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == (trace, "b" * 16)
    assert "links" not in start


@pytest.mark.parametrize("name", ["api_gateway_rest", "api_gateway_http", "function_url", "alb"])
def test_what_a_stranger_sends_is_not_believed_through_opentelemetry(
    otel, captured, context, event, name
):
    """A forged header at a public edge is a claim, also where OpenTelemetry took it for true."""
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    forged = {"traceparent": "00-" + "c" * 32 + "-" + "d" * 16 + "-01"}
    remote = TraceContextTextMapPropagator().extract(forged)
    request = event(name)
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("server", context=remote):
        handler(request, context)
    with trace.use_span(trace.get_current_span(remote)):
        handler(request, context)

    assert "c" * 32 not in {start["traceId"] for start in captured.all("start")}
    assert not [start for start in captured.all("start") if "parentSpanId" in start]


def test_a_span_that_begins_its_trace_is_believed_at_an_edge(otel, captured, context, event):
    """OpenTelemetry's own new trace is nobody's claim."""
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("server") as server:
        handler(event("api_gateway_http"), context)

    assert captured.one("start")["traceId"] == ids_of(server)[0]


def test_xrays_root_is_no_parent_through_opentelemetry(otel, captured, context, monkeypatch):
    """A poller uses one root for hours: who continued it would glue strangers together."""
    from opentelemetry import trace

    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    root = trace.SpanContext(int(ROOT, 16), 0x53995C3F42CD8AD8, is_remote=True)
    handler = traced(lambda event, context: None)

    with trace.use_span(trace.NonRecordingSpan(root)):
        handler({}, context)

    start = captured.one("start")
    assert start["traceId"] != start["xrayRoot"] == ROOT


def test_a_span_left_open_does_not_glue_invocations(otel, captured, context):
    """A trace that was continued once is not continued by the next invocation."""
    handler = traced(lambda event, context: None)

    with otel.tracer.start_as_current_span("process"):
        for _ in range(3):
            with otel.tracer.start_as_current_span("request"):
                handler({}, context)

    assert len({start["traceId"] for start in captured.all("start")}) == 3


def test_no_span_and_an_invalid_one_are_none(otel, captured, context):
    """The trace is our own."""
    from opentelemetry import trace

    handler = traced(lambda event, context: None)

    handler({}, context)
    with trace.use_span(trace.INVALID_SPAN):
        handler({}, context)

    assert not [start for start in captured.all("start") if "parentSpanId" in start]


def test_an_opentelemetry_that_we_do_not_know_costs_the_join_alone(captured, context, monkeypatch):
    """The handler runs, and its lines are written."""
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace())
    monkeypatch.setattr(reporter, "reraise", False)

    assert traced(lambda event, context: "fine")({}, context) == "fine"

    assert "AttributeError" in captured.one("health")["message"]


@pytest.fixture
def otel_botocore(otel, aws):
    """OpenTelemetry's instrumentation of botocore, taken off again."""
    module = pytest.importorskip("opentelemetry.instrumentation.botocore")
    instrumentor = module.BotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=otel.provider)
    yield otel
    instrumentor.uninstrument()


def test_a_notification_from_opentelemetry_is_continued(otel_botocore, aws, captured, context):
    """Its botocore instrumentation writes the message attribute that we read."""
    sns = aws.client("sns")

    with otel_botocore.tracer.start_as_current_span("sender"):
        sns.publish(TopicArn=aws.topic, Message="hi")
    traced(lambda event, context: None)(aws.deliver_sns(aws.sent[0], "sns-1"), context)

    [published] = [span for span in otel_botocore.finished() if span.kind.name == "PRODUCER"]
    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == ids_of(published)


def test_a_message_from_opentelemetry_is_continued(otel, aws, captured, context):
    """As its boto3sqs instrumentation writes it, by its own setter."""
    boto3sqs = pytest.importorskip("opentelemetry.instrumentation.boto3sqs")
    from opentelemetry import propagate

    sqs, attributes = aws.client("sqs"), {}
    with otel.tracer.start_as_current_span("sender") as sender:
        propagate.inject(attributes, setter=boto3sqs.boto3sqs_setter)
        sqs.send_message(QueueUrl=aws.queue, MessageBody="hi", MessageAttributes=attributes)

    traced(lambda event, context: None)(aws.deliver_sqs((aws.sent[0], "sqs-1")), context)

    start = captured.one("start")
    assert (start["traceId"], start["parentSpanId"]) == ids_of(sender)


def test_both_tracers_in_sender_and_receiver_tell_one_trace(otel_botocore, aws, captured, context):
    """OpenTelemetry's mark is in the message first and ours stays out: the trace is the same."""
    sns = aws.client("sns")

    @traced
    def sender(event, context):
        sns.publish(TopicArn=aws.topic, Message="hi")

    with otel_botocore.tracer.start_as_current_span("lambda"):
        sender({}, context)
    traced(lambda event, context: None)(aws.deliver_sns(aws.sent[0], "sns-1"), context)

    first, second = captured.all("start")
    assert first["traceId"] == second["traceId"]
    assert len(aws.sent) == 1


def test_a_message_with_opentelemetrys_mark_leads_back_to_us(
    otel_botocore, aws, captured, context, monkeypatch
):
    """Where its trace is not ours, the sender names the span that the receiver has as parent."""
    from opentelemetry import trace

    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    root = trace.SpanContext(int(ROOT, 16), 0x53995C3F42CD8AD8, is_remote=False, trace_flags=flags)
    sns = aws.client("sns")

    @traced
    def sender(event, context):
        sns.publish(TopicArn=aws.topic, Message="hi")

    with trace.use_span(trace.NonRecordingSpan(root)):
        sender({}, context)
    traced(lambda event, context: None)(aws.deliver_sns(aws.sent[-1], "sns-1"), context)

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    receiver = captured.all("start")[1]
    assert receiver["traceId"] == ROOT
    assert calls[-1][6][-1] == f"w3c:{ROOT}-{receiver['parentSpanId']}"
    assert calls[-1][7] == {"notInjected": "own-traceparent"}


def sent_by_us(aws, context, service):
    """Return the request of a traced handler that sends one message."""
    client = aws.client(service)

    @traced
    def handler(event, context):
        if service == "sns":
            client.publish(TopicArn=aws.topic, Message="hi")
        else:
            client.send_message(QueueUrl=aws.queue, MessageBody="hi")

    handler({}, context)
    return aws.sent[-1]


def test_opentelemetrys_receiver_reads_our_message(otel, aws, captured, context, monkeypatch):
    """Its Lambda instrumentation links the message's span to our call."""
    module = pytest.importorskip("opentelemetry.instrumentation.aws_lambda")
    received = aws.deliver_sqs((sent_by_us(aws, context, "sqs"), "sqs-1"))
    app = SimpleNamespace(handler=lambda event, context: "done")
    monkeypatch.setitem(sys.modules, "shop_app", app)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "receiver")
    monkeypatch.setenv("_HANDLER", "shop_app.handler")
    context.function_name = "receiver"
    instrumentor = module.AwsLambdaInstrumentor()
    instrumentor.instrument(tracer_provider=otel.provider, skip_dep_check=True)

    app.handler(received, context)

    instrumentor.uninstrument()
    call = captured.one("invocation")["calls"][0]
    links = [ids_of_link(link) for span in otel.finished() for link in span.links]
    assert links == [(captured.one("start")["traceId"], call[0])]


def ids_of_link(link):
    """Return what a link of OpenTelemetry points to, as the wire spells it."""
    return format(link.context.trace_id, "032x"), format(link.context.span_id, "016x")


def test_opentelemetrys_consumer_reads_our_message(otel, aws, captured, context):
    """So does the getter of its boto3sqs instrumentation, for a consumer outside Lambda."""
    boto3sqs = pytest.importorskip("opentelemetry.instrumentation.boto3sqs")
    from opentelemetry import propagate, trace

    sent = sent_by_us(aws, context, "sqs")

    found = propagate.extract(sent["MessageAttributes"], getter=boto3sqs.boto3sqs_getter)

    call = captured.one("invocation")["calls"][0]
    expected = captured.one("start")["traceId"], call[0]
    assert ids_of(trace.get_current_span(found)) == expected


def test_opentelemetrys_receiver_reads_our_notification(otel, aws, captured, context):
    """Of a notification OpenTelemetry has no receiver; its propagator reads the attribute."""
    from opentelemetry import propagate, trace

    received = aws.deliver_sns(sent_by_us(aws, context, "sns"), "sns-1")
    attributes = received["Records"][0]["Sns"]["MessageAttributes"]

    found = propagate.extract({name: value["Value"] for name, value in attributes.items()})

    call = captured.one("invocation")["calls"][0]
    expected = captured.one("start")["traceId"], call[0]
    assert ids_of(trace.get_current_span(found)) == expected


def test_code_instrumented_with_opentracing_joins(otel, aws, captured, context):
    """Through OpenTelemetry's shim: its active span is our parent, its carrier is read by us."""
    shim = pytest.importorskip("opentelemetry.shim.opentracing_shim")
    from opentracing import Format

    tracer, carrier = shim.create_tracer(otel.provider), {}
    handler = traced(lambda event, context: None)

    with tracer.start_active_span("outer") as scope:
        handler({}, context)
        tracer.inject(scope.span.context, Format.TEXT_MAP, carrier)
    attributes = {
        name: {"StringValue": value, "DataType": "String"} for name, value in carrier.items()
    }
    message = {"MessageBody": "hi", "MessageAttributes": attributes}
    handler(aws.deliver_sqs((message, "sqs-1")), context)

    [span] = otel.finished()
    inside, received = captured.all("start")
    assert (inside["traceId"], inside["parentSpanId"]) == ids_of(span)
    assert (received["traceId"], received["parentSpanId"]) == ids_of(span)


ORDERS = [
    ("lumitrace", "xray"),
    ("xray", "lumitrace"),
    ("lumitrace", "xray-all"),
    ("xray-all", "lumitrace"),
    ("lumitrace", "otel"),
    ("otel", "lumitrace"),
    ("xray", "lumitrace", "otel"),
]
PROGRAM = """
import json, os, sys, traceback
sys.path[:0] = PATH
import logging
logging.raiseExceptions = False
from types import SimpleNamespace
import boto3
from botocore.awsrequest import AWSResponse

sent, segments, handler = [], [], None


def work(event, context):
    client = boto3.client("dynamodb", region_name="eu-west-1", aws_access_key_id="a",
                          aws_secret_access_key="b")

    class Raw:
        def __init__(self, text):
            self.text = text
        def stream(self, *_args, **_kwargs):
            yield self.text
        def read(self, *_args, **_kwargs):
            return self.text

    def send(request, **_):
        sent.append(json.loads(request.body))
        good = len(sent) == 1
        text = b"{}" if good else b'{"__type":"a#ResourceNotFoundException","message":"no"}'
        return AWSResponse(request.url, 200 if good else 400, {}, Raw(text))

    client.meta.events.register("before-send", send)
    client.put_item(TableName="t", Item={"k": {"S": "1"}})
    try:
        client.get_item(TableName="t", Key={"k": {"S": "1"}})
    except client.exceptions.ResourceNotFoundException as error:
        return [(f.filename, f.name) for f in traceback.extract_tb(error.__traceback__)]


for tracer in ORDER:
    if tracer == "lumitrace":
        import lumitrace
        handler = lumitrace.traced(work)
    elif tracer.startswith("xray"):
        from aws_xray_sdk.core import patch, patch_all, xray_recorder
        from aws_xray_sdk.core.lambda_launcher import LambdaContext
        xray_recorder.configure(context=LambdaContext(), sampling=False, streaming_threshold=0,
                                emitter=SimpleNamespace(send_entity=segments.append))
        patch_all() if tracer == "xray-all" else patch(["botocore"])
    elif tracer == "otel":
        from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
        BotocoreInstrumentor().instrument()

frames = (handler or work)({}, None)
print("ANSWER", json.dumps({"sent": sent, "frames": frames,
      "segments": [[s.name, s.annotations] for s in segments]}))
"""


def run(*order):
    """Run two calls, the second refused, with the tracers put in place in *order*."""
    source = f"PATH, ORDER = {[path for path in sys.path if path]!r}, {order!r}\n{PROGRAM}"
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": HEADER}
    environment |= {"LUMITRACE_DYNAMODB": "off"}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    answer = [json.loads(line.split(" ", 1)[1]) for line in lines if line.startswith("ANSWER")]
    return answer[0], [json.loads(line) for line in lines if line.startswith('{"lumitrace"')]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_tracers_live_side_by_side_in_any_order(order):
    """Each call is sent once, told once by each, and what it raises is as without us."""
    pytest.importorskip("boto3")
    pytest.importorskip("aws_xray_sdk")
    pytest.importorskip("opentelemetry.instrumentation.botocore")

    ours, lines = run(*order)
    twin, _ = run(*(tracer for tracer in order if tracer != "lumitrace"))

    assert ours["sent"] == twin["sent"]
    assert ours["frames"] == twin["frames"]
    told = [call[1] for line in lines for call in line.get("calls", ())]
    told += [line["operation"] for line in lines if line["record"] == "span"]
    assert told == ["dynamodb.PutItem", "dynamodb.GetItem"]
    assert [line for line in lines if line["record"] == "health"] == []
    names = [name for name, _ in ours["segments"]]
    assert names == [name for name, _ in twin["segments"]]
    if "xray" in order:
        annotated = [notes.get("lumitrace_trace_id") for _, notes in ours["segments"]]
        assert annotated == [lines[0]["traceId"], None]
        assert lines[0]["xrayRoot"] == ROOT
