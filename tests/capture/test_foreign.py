"""Messages and requests that bear another tracer's context: the sender names it as a link key."""

import importlib
from types import SimpleNamespace

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import settings

OWN = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
KEY = f"w3c:{'a' * 32}-{'b' * 16}"


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
    return SimpleNamespace(provider=provider, finished=exporter.get_finished_spans)


@pytest.fixture
def instrumented(otel):
    """Return what puts one of OpenTelemetry's instrumentations in force until the test ends."""
    began = []

    def begin(name, instrumentor):
        module = pytest.importorskip(f"opentelemetry.instrumentation.{name}")
        found = getattr(module, instrumentor)()
        found.instrument(tracer_provider=otel.provider, skip_dep_check=True)
        began.append(found)

    yield begin
    for found in began:
        found.uninstrument()


def keys_of(spans):
    """Return the link keys of OpenTelemetry's *spans*."""
    contexts = [span.get_span_context() for span in spans]
    return [f"w3c:{one.trace_id:032x}-{one.span_id:016x}" for one in contexts]


def sent(captured):
    """Return the link keys of all calls."""
    entries = [call for line in captured.lines for call in line.get("calls", ())]
    found = [key for entry in entries for key in entry[6]]
    return found + [key for line in captured.all("span") for key in line.get("linkOut", ())]


def attribute(value):
    """Return *value* as a message attribute."""
    return {"traceparent": {"DataType": "String", "StringValue": value}}


def test_each_entry_of_opentelemetrys_batch_leads_back_to_us(
    otel, instrumented, aws, captured, context
):
    """Each has a span of its own, which has ended when the call is made, and its own trace."""
    pytest.importorskip("boto3")
    sqs = aws.client("sqs")
    instrumented("boto3sqs", "Boto3SQSInstrumentor")
    entries = [{"Id": str(i), "MessageBody": "hi"} for i in range(2)]

    traced(lambda event, context: sqs.send_message_batch(QueueUrl=aws.queue, Entries=entries))(
        {}, context
    )

    spans = [span for span in otel.finished() if span.kind.name == "PRODUCER"]
    assert len({span.get_span_context().trace_id for span in spans}) == 2
    assert sent(captured) == ["sqs:sqs-1-0", "sqs:sqs-1-1", *keys_of(spans)]
    received = aws.deliver_sqs(*((entry, "m") for entry in aws.sent[-1]["Entries"]))
    traced(lambda event, context: None)(received, context)
    links = captured.all("start")[1]["links"]
    assert [f"w3c:{trace}-{span}" for trace, span in links] == keys_of(spans)


@pytest.mark.parametrize("service", ["sns", "sqs"])
@pytest.mark.parametrize("inject", [True, False])
def test_an_own_context_of_a_message_is_a_key(service, inject, aws, captured, context):
    """Whoever wrote it, and whether ours may go out or not."""
    settings.inject = inject
    client = aws.client(service)
    text = {"MessageAttributes": attribute(OWN)}

    def send(event, context):
        if service == "sns":
            client.publish(TopicArn=aws.topic, Message="hi", **text)
        else:
            client.send_message(QueueUrl=aws.queue, MessageBody="hi", **text)

    traced(send)({}, context)

    assert sent(captured) == [f"{service}:{service}-1", KEY]


def test_in_a_batch_only_entries_with_their_own_context_give_a_key(aws, captured, context):
    """The others get ours; one that is no context at all gives none."""
    sqs = aws.client("sqs")
    entries = [
        {"Id": "0", "MessageBody": "hi"},
        {"Id": "1", "MessageBody": "hi", "MessageAttributes": attribute(OWN)},
        {"Id": "2", "MessageBody": "hi", "MessageAttributes": attribute("nonsense")},
    ]

    traced(lambda event, context: sqs.send_message_batch(QueueUrl=aws.queue, Entries=entries))(
        {}, context
    )

    assert [key for key in sent(captured) if key.startswith("w3c:")] == [KEY]


def test_what_came_in_and_is_handed_on_is_no_key(aws, captured, context, event):
    """A forwarder that copies the attributes of a message would else be its own sender."""
    sqs = aws.client("sqs")
    received = aws.deliver_sqs(({"MessageBody": "a", "MessageAttributes": attribute(OWN)}, "m-1"))

    def forward(event, context):
        for one in lumitrace.records(event):
            text = one["messageAttributes"]["traceparent"]["stringValue"]
            attributes = attribute(text)
            sqs.send_message(QueueUrl=aws.queue, MessageBody="a", MessageAttributes=attributes)

    traced(forward)(received, context)

    assert sent(captured) == ["sqs:sqs-1"]


def test_what_a_stranger_claims_and_is_handed_on_is_no_key(aws, captured, context, event):
    """A public edge's caller names no sender of ours by having its header passed on."""
    sqs = aws.client("sqs")
    request = event("api_gateway_http")
    request["headers"]["traceparent"] = OWN

    def forward(event, context):
        attributes = attribute(event["headers"]["traceparent"])
        sqs.send_message(QueueUrl=aws.queue, MessageBody="a", MessageAttributes=attributes)

    traced(forward)(request, context)

    assert sent(captured) == ["sqs:sqs-1"]


def by_urllib(url):
    """Send a request."""
    with importlib.import_module("urllib.request").urlopen(url, timeout=60) as answer:
        answer.read()


def by_urllib3(url):
    """Send a request."""
    with pytest.importorskip("urllib3").PoolManager() as pool:
        pool.request("GET", url)


def by_requests(url):
    """Send a request."""
    with pytest.importorskip("requests").Session() as session:
        session.trust_env = False
        session.get(url, timeout=60)


def by_httpx(url):
    """Send a request."""
    with pytest.importorskip("httpx").Client(trust_env=False) as client:
        client.get(url)


LIBRARIES = (
    ("urllib", "URLLibInstrumentor", by_urllib),
    ("urllib3", "URLLib3Instrumentor", by_urllib3),
    ("requests", "RequestsInstrumentor", by_requests),
    ("httpx", "HTTPXClientInstrumentor", by_httpx),
)


@pytest.mark.parametrize(("name", "instrumentor", "get"), LIBRARIES)
@pytest.mark.parametrize("listed", [True, False])
def test_a_request_with_opentelemetrys_header_names_its_span(  # fixtures
    name, instrumentor, get, listed, otel, instrumented, captured, context, server
):
    """Its header goes to every host; who receives it has its span as parent or as claim."""
    settings.http_hosts = (("127", "0", "0", "1"),) if listed else ()
    server.headers = {"apigw-requestid": "r="}
    instrumented(name, instrumentor)

    traced(lambda event, context: get(server.url()))({}, context)

    [theirs] = otel.finished()
    [told] = [line for line in captured.all("span") if line["operation"] == "http.GET"]
    assert told["linkOut"] == [*keys_of([theirs]), "apigw:r="]
    assert told.get("notInjected") == ("own-traceparent" if listed else None)
    [header] = server.traceparents()
    assert f"w3c:{header[3:52]}" == told["linkOut"][0]


def test_a_request_that_got_no_answer_names_it_too(captured, context, server):
    """What it asked may run all the same."""
    requests = pytest.importorskip("requests")

    def work(event, context):
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url("/hangup"), headers={"traceparent": OWN}, timeout=60)

    traced(work)({}, context)

    assert sent(captured) == [KEY]
