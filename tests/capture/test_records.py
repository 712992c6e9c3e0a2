"""Records of a batch, custom spans, tags."""

import asyncio
import copy
import traceback
from decimal import Decimal

import pytest

import lumitrace
from lumitrace import traced

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = "a" * 32


@pytest.fixture
def batch(event):
    """Three messages: two senders that differ, one without a context."""
    batch = event("sqs")
    other, none = copy.deepcopy(batch["Records"][0]), copy.deepcopy(batch["Records"][0])
    other["messageId"] = "m2"
    other["messageAttributes"]["traceparent"]["stringValue"] = f"00-{OTHER}-{'b' * 16}-01"
    none.update(messageId="m3", messageAttributes={})
    batch["Records"] += [other, none]
    return batch


def test_each_record_is_in_its_own_transaction(captured, context, batch):
    """trace_id() inside the loop is the record's, outside it the invocation's."""
    inside = []

    @traced
    def handler(event, context):
        before = lumitrace.trace_id()
        for record in lumitrace.records(event):
            inside.append((record["messageId"][:2], lumitrace.trace_id()))
        assert lumitrace.trace_id() == before

    handler(batch, context)

    assert [trace for _, trace in inside[:2]] == [TRACE, OTHER]
    assert inside[2][1] not in {TRACE, OTHER, captured.one("start")["traceId"]}


def test_quiet_records_fold_into_the_handlers_line(captured, context, batch):
    """A record that made no call costs an entry, not a line."""

    @traced
    def handler(event, context):
        for _ in lumitrace.records(event):
            pass

    handler(batch, context)

    records = captured.one("invocation")["records"]
    assert [entry[1:4] for entry in records[:2]] == [
        [TRACE, SPAN, "059f36b4-87a3-44ab-83d2-661975830a7d"],
        [OTHER, "b" * 16, "m2"],
    ]
    assert records[2][2:4] == ["", "m3"]
    assert records[2][6] == "sqs:m3"


def test_a_stream_record_keeps_its_context_although_its_mark_is_gone(captured, context, event):
    """The handler sees no mark, and each change still belongs to its writer's transaction."""
    inside = []

    @traced
    def handler(event, context):
        for record in lumitrace.records(event):
            assert "_lumitrace" not in str(record)
            inside.append(lumitrace.trace_id())

    handler(event("dynamodb"), context)

    assert inside[:2] == [TRACE, TRACE]
    records = captured.one("invocation")["records"]
    assert [entry[1:3] for entry in records[:2]] == [[TRACE, SPAN], [TRACE, SPAN]]


def test_a_tag_inside_a_record_is_the_records(captured, context, batch):
    """Two sales of one batch keep their own ids."""

    @traced
    def handler(event, context):
        for record in lumitrace.records(event):
            lumitrace.tag(saleId=record["messageId"])
        lumitrace.tag(batch=3)

    handler(batch, context)

    spans = captured.all("span")
    assert [span["tags"]["saleId"] for span in spans[1:]] == ["m2", "m3"]
    assert spans[2]["linkIn"] == ["sqs:m3"]
    assert captured.one("invocation")["tags"] == {"batch": 3}


def test_the_record_in_force_when_the_handler_fails_has_failed(captured, context, batch):
    """A loop left by an exception says which record it was."""

    @traced
    def handler(event, context):
        for record in lumitrace.records(event):
            if record["messageId"] == "m2":
                raise ValueError("bad record")

    with pytest.raises(ValueError, match="bad record"):
        handler(batch, context)

    failed = captured.one("span")
    assert (failed["recordId"], failed["status"]) == ("m2", 2)
    assert len(captured.one("invocation")["records"]) == 1


def test_a_failed_with_block_is_a_failed_record(captured, context, batch):
    """An exception that the handler catches outside `record` is the record's."""

    @traced
    def handler(event, context):
        for one in event["Records"]:
            try:
                with lumitrace.record(one):
                    raise KeyError(one["messageId"])
            except KeyError:
                pass

    handler(batch, context)

    assert [span["error"]["type"] for span in captured.all("span")] == ["KeyError"] * 3
    assert "status" not in captured.one("invocation")


def test_records_of_nothing_is_nothing(captured, context):
    """An event without records has an empty loop."""
    traced(lambda event, context: list(lumitrace.records(event)))({}, context)

    assert len(captured.lines) == 2


def test_a_custom_span_stands_between(captured, context):
    """A step of the application's own is a span of its parent."""

    @traced
    def handler(event, context):
        with lumitrace.span("price", items=3) as step:
            step.set_attribute("total", Decimal("1.50"))
            with lumitrace.span("discount"):
                pass

    handler({}, context)

    inner, outer = captured.all("span")
    assert (outer["name"], outer["kind"]) == ("price", "INTERNAL")
    assert outer["attributes"] == {"items": 3, "total": "1.50"}
    assert inner["parentSpanId"] == outer["spanId"]
    assert outer["parentSpanId"] == captured.one("invocation")["spanId"]


def test_a_decorated_function_is_a_span_each_call(captured, context):
    """Sync and async alike, and the exception shows no frame of ours after the call."""

    @lumitrace.span("add")
    def add(a, b):
        return a + b

    @lumitrace.span("wait")
    async def wait():
        await asyncio.sleep(0)
        raise LookupError

    @traced
    def handler(event, context):
        assert add(1, 2) == 3
        with pytest.raises(LookupError) as caught:
            asyncio.run(wait())
        frames = traceback.extract_tb(caught.value.__traceback__)
        return [frame.name for frame in frames if "lumitrace" in frame.filename]

    assert handler({}, context) in ([], ["async_wrapper"])  # one frame on Python 3.10

    assert [span["name"] for span in captured.all("span")] == ["add", "wait"]
    assert captured.all("span")[1]["error"]["type"] == "LookupError"


def test_what_cannot_be_called_is_not_decorated(captured):
    """A classmethod is called through its class: it stays as it is."""

    class Basket:
        @lumitrace.span("price")
        @classmethod
        def price(cls):
            return cls

    assert Basket.price() is Basket


def test_async_with(captured, context):
    """Spans of concurrent tasks have the right parent."""

    async def step(name):
        async with lumitrace.span(name):
            await asyncio.sleep(0)
            with lumitrace.span(f"{name}-inner"):
                await asyncio.sleep(0)

    async def both():
        await asyncio.gather(step("a"), step("b"))

    traced(lambda event, context: asyncio.run(both()))({}, context)

    spans = {span["name"]: span for span in captured.all("span")}
    assert spans["a-inner"]["parentSpanId"] == spans["a"]["spanId"]
    assert spans["b-inner"]["parentSpanId"] == spans["b"]["spanId"]


def test_outside_an_invocation_nothing_happens(captured):
    """Tags, spans and records at import time or in a script are silent."""
    lumitrace.tag(a=1)
    with lumitrace.span("x"), lumitrace.record({"messageId": "1"}):
        assert lumitrace.trace_id() is None

    assert captured.writes == []


def test_a_span_left_from_the_last_invocation_is_not_current(captured, context):
    """A context that outlives its invocation does not speak for the next one."""
    scope = lumitrace.span("left open")
    traced(lambda event, context: scope.__enter__())({}, context)

    traces = traced(lambda event, context: lumitrace.trace_id())({}, context)

    assert traces == captured.all("start")[1]["traceId"]
    scope.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 300, '"' + "x" * 256 + '"'),
        (True, "true"),
        (17, "17"),
        (0.1, "0.1"),
        (Decimal("42.50"), "42.50"),
        (Decimal("NaN"), '"NaN"'),
        (Decimal("1E+3"), "1E+3"),
        (float("inf"), '"inf"'),
        pytest.param(10**5000, '"int"', id="huge"),
        (None, "null"),
        (object, '"<type>"'),
        ("päron", '"p\\u00e4ron"'),
    ],
)
def test_how_a_tag_is_spelt(captured, context, value, text):
    """Numbers keep their digits, what is no scalar is named by its type, all of it is ASCII."""
    traced(lambda event, context: lumitrace.tag(it=value))({}, context)

    assert f'"tags":{{"it":{text}}}' in captured.text[-1]


def test_many_long_tags_go_on_in_further_lines(captured, context):
    """64 tags of 256 characters are all there, and no line exceeds 4 KiB."""
    tags = {f"tag{i}": "\U0001f600" * 200 for i in range(20)}

    traced(lambda event, context: lumitrace.tag(**tags))({}, context)

    told = {}
    for line in captured.lines:
        told.update(line.get("tags", {}))
    assert told == tags
    assert max(map(len, captured.text)) <= 4096


def test_too_many_attributes_are_counted(captured, context):
    """A custom span keeps sixteen, and says how many more there were."""

    @traced
    def handler(event, context):
        with lumitrace.span("step", **{f"a{i}": i for i in range(20)}):
            pass

    handler({}, context)

    assert len(captured.one("span")["attributes"]) == 16
    assert captured.one("invocation")["dropped"] == {"attributes": 4}


def test_a_span_may_have_an_attribute_called_name(captured, context):
    """Nothing that a user calls an attribute clashes with ours."""

    @traced
    def handler(event, context):
        with lumitrace.span("step", name="x", self=1):
            pass

    handler({}, context)

    assert captured.one("span")["attributes"] == {"name": "x", "self": 1}


def test_a_record_with_a_step_below_it_is_a_line(captured, context, batch):
    """A folded record has no children."""

    @traced
    def handler(event, context):
        for _ in lumitrace.records(event):
            with lumitrace.span("step"):
                pass

    handler(batch, context)

    assert len(captured.all("span")) == 6


def test_too_many_tags_are_counted(captured, context):
    """The 65th tag is not silently lost."""
    traced(lambda event, context: lumitrace.tag(**{f"t{i}": i for i in range(70)}))({}, context)

    end = captured.one("invocation")
    assert len(end["tags"]) == 64
    assert end["dropped"] == {"tags": 6}
