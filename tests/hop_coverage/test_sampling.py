"""What is not sampled is counted and joined as what is, and told with fewer lines."""

import contextlib
import os
import random
from collections import Counter
from types import SimpleNamespace

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")
pytest.importorskip("opentelemetry.trace")
pytest.importorskip("aws_lambda_powertools")

import hop_plays  # noqa: F401  # registers its kinds
import hop_plays_of_batches  # noqa: F401  # registers its kinds
from conftest import INJECTED
from hop_kinds import KINDS, played
from tests import pages

import lumitrace
from lumitrace.capture.config import Settings, settings
from lumitrace.reassembly.events import LogEvent

KEY = {"id": {"S": "1"}}
SALES = 12
# Ten minutes after: no retry is still to come.
LATER = [
    LogEvent("/aws/lambda/other", "other", 1_795_384_300_000, f"{word} RequestId: later", number)
    for number, word in enumerate(("START", "END"), 1_000)
]
TIMES = ("startUs", "durationUs", "firstSeenUs", "sinceMs")


@pytest.fixture
def share(monkeypatch):
    """Let a share of the traces be sampled."""

    def sample(text):
        values = Settings()
        values.load({"LUMITRACE_SAMPLE": text})
        monkeypatch.setattr(settings, "threshold", values.threshold)

    return sample


def expected():
    """Return how each kind of hop is joined with injection, by the docs."""
    text = (pages.DOCS / "services.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 5}


# The line of a sender that is killed is never written. All take 15 s.
ALIVE = [name for name in KINDS if "killed" not in name]
ASKED = ALIVE if os.environ.get("SAMPLE_EVERY_HOP") else ALIVE[::5]


@pytest.mark.parametrize("name", ASKED)
def test_a_hop_that_is_not_sampled_joins_alike(stage, share, name):
    """By the same witness as with its detail; ``SAMPLE_EVERY_HOP=1`` plays every kind."""
    share("0")

    said = played(stage, name, INJECTED)

    assert expected()[name].startswith(said)
    assert not stage.captured.all("start")


class Shop:
    """A day of sales: some fail, some parcels fail, a label fails and somebody takes care."""

    def __init__(self, stage):
        self.stage, self.sent = stage, []
        self.table, self.topic = stage.client("dynamodb"), stage.client("sns")
        self.queue, self.functions = stage.client("sqs"), stage.client("lambda")

    def sell(self, number):
        """One request, and what comes of it."""
        stage, aws = self.stage, self.stage.aws
        request = {**stage.event("api_gateway_http"), "headers": {}}
        request["requestContext"]["requestId"] = f"JKJaXmPL{number}="
        stage._run(lambda _: self.front(number), request, f"front-{number}", "front")
        told = aws.deliver_sns(aws.sent[-1], f"sns-{len(aws.sent)}")
        with contextlib.suppress(ValueError):
            stage._run(lambda _: self.confirm(number), told, f"confirm-{number}", "confirm")

    def front(self, number):
        """Take the order."""
        lumitrace.tag(saleId=f"sale-{number}", total=10 + number / 4)
        for _ in range(3):
            self.table.get_item(TableName="ushop_catalog", Key=KEY)
        with lumitrace.span("price"):
            self.table.get_item(TableName="ushop_prices", Key=KEY)
        self.topic.publish(TopicArn=self.stage.aws.topic, Message="sold")
        return {"statusCode": 200}

    def confirm(self, number):
        """Confirm it: each second finds it confirmed already, each fourth cannot."""
        aws = self.stage.aws
        if number % 2 == 0:
            aws.answers.append(aws.refuse("ConditionalCheckFailedException", "the same again"))
            with contextlib.suppress(self.table.exceptions.ConditionalCheckFailedException):
                self.table.put_item(TableName="ushop_sales", Item=KEY)
        if number % 4 == 0:
            message = "cannot confirm"
            raise ValueError(message)
        self.table.put_item(TableName="ushop_sales", Item=KEY)
        self.queue.send_message(QueueUrl=aws.queue, MessageBody="ship")
        self.sent.append((aws.sent[-1], f"sqs-{len(aws.sent)}"))

    def ship(self, number, *, loop):
        """Pack what waits, in a batch; the last parcel of it fails."""
        batch = self.stage.aws.deliver_sqs(*self.sent)
        self.sent = []
        work = self.each if loop else self.at_once
        self.stage._run(work, batch, f"ship-{number}", "ship")

    def each(self, event):
        """Parcel by parcel, each with a label that another function prints."""
        for record in lumitrace.records(event):
            lumitrace.tag(parcel=f"parcel-{record['messageId']}")
            self.table.put_item(TableName="ushop_parcels", Item=KEY)
            name = f"label-{record['messageId']}"
            self.stage.answering(lambda _, name=name: self.label(name), (200, "{}"))
            self.functions.invoke(FunctionName="label")
        return self.at_once(event)

    def label(self, name):
        """Print it, in another function."""
        context = self.stage.client_context()
        work = lambda _: self.table.get_item(TableName="ushop_labels", Key=KEY)  # noqa: E731
        self.stage._run(work, {}, name, "label", **context)

    def at_once(self, event):
        """Give the last one back."""
        last = event["Records"][-1]["messageId"]
        return {"batchItemFailures": [{"itemIdentifier": last}]}


def day(stage, share, text, monkeypatch):
    """Play the same day, with the same ids, and *text* as the share that is sampled."""
    stage.begin(INJECTED)
    share(text)
    same = random.Random(1)  # noqa: S311  # the same ids each day
    monkeypatch.setattr("lumitrace.wire.context.os", SimpleNamespace(urandom=same.randbytes))
    shop = Shop(stage)
    for number in range(SALES):
        shop.sell(number)
        if number % 6 == 5:
            shop.ship(number, loop=number < 6)
    return [*stage._events(()), *LATER]


def answers(events):
    """Return what is asked of a day, without its times."""
    from lumitrace.reassembly.answers.transactions import transactions
    from lumitrace.reassembly.answers.why import why
    from lumitrace.reassembly.assemble import assemble

    assembled = assemble(events)
    told = why(assembled)
    kept = ("issue", "otherIssues", "impact", "cause", "otherCauses", "readFrom")
    functions = {one: attempt.function for one, attempt in assembled.attempt_of.items()}
    hops = {
        (functions.get(hop.sender_span), hop.sender_trace, hop.receiver_span)
        for several in assembled.hops.values()
        for hop in several
    }
    calls = Counter()
    for span in assembled.span_by_id.values():
        if span.operation:
            calls[functions[span.span_id], span.operation, span.resource] += span.count or 1
    return {
        "transactions": timeless(transactions(assembled)),
        "hops": hops,
        "calls": calls,
        "unsampled": told["seen"]["toldInSums"],
        **{name: timeless(told[name]) for name in kept},
    }


def timeless(value):
    """Return *value* without the times in it."""
    if isinstance(value, dict):
        return {name: timeless(one) for name, one in value.items() if name not in TIMES}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def test_the_same_day_has_the_same_answers_whatever_is_sampled(stage, share, monkeypatch):
    """Rates, impact, cause, hops, and the number of calls; with fewer bytes."""
    found, sizes = [], []
    for text in ("1", "0.5", "0"):
        events = day(stage, share, text, monkeypatch)
        found.append(answers(events))
        sizes.append(sum(len(event.message) for event in events))

    unsampled = [one.pop("unsampled") for one in found]
    assert unsampled[0] == 0 < unsampled[1] < unsampled[2]
    assert sizes[2] < sizes[1] < sizes[0]
    for name, value in found[0].items():
        assert found[1][name] == value, name
        assert found[2][name] == value, name
    assert found[0]["impact"]["lost"] > 2
    assert found[0]["impact"]["total"] is not None
