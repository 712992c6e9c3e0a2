"""The story of the talk: a sale fails at night, and the logs say whom it hurts and why."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from lumitrace.wire.span_line import ALARMS

CHAIN = ("ushop_new-sale-processing", "ushop_sale-confirmations")
# What a sale reaches: any, one that is confirmed, and then the stream of the table of sales.
TAKEN = {*CHAIN, "ushop_price-check", "ushop_shipping-worker", "ushop_clickstream"}
CONFIRMED = {*TAKEN, "ushop_loyalty"}
RECEIPTS = {"ushop_sale-analytics", "ushop_receipt-email", "ushop_receipt-archive"}
WITNESS = {  # all others read a context
    "ushop_price-check": "context (proved)",
    "ushop_clickstream": "link key",
    "ushop_loyalty": "link key",
    "ushop_receipt-archive": "link key",
}
FORGED = 2  # requests a night


def test_why_counts_exactly_the_sales_that_failed(night):
    """The driver knows the truth; the logs alone say the same."""
    answer = night.lumitrace("why")

    truth = night.truth
    assert truth.failed
    assert sorted(answer["impact"]["ids"]) == sorted(sale.sale_id for sale in truth.failed)
    assert Decimal(answer["impact"]["total"]) == truth.failed_total
    assert answer["issue"]["function"] == "ushop_sale-confirmations"


def test_why_names_the_cause(night):
    """The failing call, AWS's words, in all failing transactions and in no healthy one."""
    cause = night.lumitrace("why")["cause"]

    assert (cause["function"], cause["call"]) == (CHAIN[1], "PutItem ushop_sales")
    assert cause["type"] == "ValidationException"
    assert "Type mismatch for key amount expected: N actual: S" in cause["message"]
    assert cause["failing"]["having"] == cause["failing"]["of"] == len(night.truth.failed)
    assert cause["healthy"] == {"having": 0, "of": len(night.truth.healthy) + FORGED}


def test_every_sale_is_one_transaction(night):
    """As many transactions as sales, each with its sale's id, none glued to another."""
    rows = night.transactions()

    ids = [row["tags"]["saleId"] for row in rows if "saleId" in row["tags"]]
    assert sorted(ids) == sorted(sale.sale_id for sale in night.truth.sales)


def handlers(shown):
    """Return the spans of the handlers of a transaction, in the order shown."""
    return [span for span in shown["spans"] if span["role"] == "invocation"]


def test_a_failed_sale_is_one_transaction_with_three_attempts(night):
    """API Gateway → processing → SNS → three attempts of one request id → DynamoDB's error."""
    for sale in night.truth.failed[:3]:
        shown = night.lumitrace("show", f"saleId={sale.sale_id}")

        attempts = [span for span in handlers(shown) if span["name"] == CHAIN[1]]
        assert [span["attempt"] for span in attempts] == ["1/3", "2/3", "3/3"]
        assert len({span["requestId"] for span in attempts}) == 1
        assert len({span["spanId"] for span in attempts}) == 3
        failed = [span for span in shown["spans"] if span["name"] == "PutItem ushop_sales"]
        assert [span["failure"]["type"] for span in failed] == ["ValidationException"] * 3
        services = [frame["service"] for frame in shown["stack"]]
        assert services == ["API Gateway", "Lambda", "SNS", "Lambda", "DynamoDB"]


def test_a_failed_sale_has_every_log_line_of_its_functions(night):
    """What CloudWatch holds of these requests, and nothing less."""
    sale = night.truth.failed[0]
    shown = night.lumitrace("show", sale.sale_id, "--raw")

    requests = {span["requestId"] for span in handlers(shown) if span["name"] in CHAIN}
    expected = [
        event["message"].rstrip("\n").rsplit("\t", 1)[-1]
        for event in night.events
        if any(request in event["message"] for request in requests)
    ]
    told = "\n".join(line["message"] for line in shown["logs"])
    assert len(requests) == 2
    assert len(expected) > 20
    assert [message for message in expected if message not in told] == []
    assert told.count("Failed writing to DDB table: ushop_sales") == 3
    assert told.count("Published successfully to SNS topic") == 1
    times = [line["timeMs"] for line in shown["logs"]]
    assert times == sorted(times)


def test_a_healthy_sale_reaches_every_function(night):
    """Through SNS, SQS, a table's stream, an Invoke, HTTP, Kinesis, EventBridge and S3."""
    healthy = {sale.sale_id for sale in night.truth.healthy}
    rows = [row for row in night.transactions() if row["tags"].get("saleId") in healthy]

    assert len(rows) == len(healthy)
    assert [row for row in rows if set(row["functions"]) != CONFIRMED | RECEIPTS] == []


def test_a_failed_sale_reaches_all_that_does_not_wait_for_its_confirmation(night):
    """No points, no receipt: nothing was confirmed."""
    failed = {sale.sale_id for sale in night.truth.failed}
    rows = [row for row in night.transactions() if row["tags"].get("saleId") in failed]

    assert [row for row in rows if set(row["functions"]) != TAKEN] == []


def test_a_healthy_sale_has_its_own_receipt_and_no_strangers(night):
    """Analytics is shared by its batch; what it did for one sale is that sale's alone."""
    for sale in night.truth.healthy[:3]:
        shown = night.lumitrace("show", sale.sale_id)

        receipts = [span for span in handlers(shown) if span["name"] == "ushop_receipt-email"]
        assert len(receipts) == 1
        assert receipts[0]["sharedBy"] == 0
        told = [line["message"] for line in shown["logs"]]
        assert [m for m in told if "Receipt sent" in m] == [
            f"[INFO] Receipt sent. saleId = {sale.sale_id}"
        ]


def test_not_one_hop_is_guessed(night):
    """Every handler but the first was reached by a context that it read, or by AWS's own ids."""
    for sale in [*night.truth.healthy[:3], *night.truth.failed[:2]]:
        shown = night.lumitrace("show", sale.sale_id)

        entry, *rest = handlers(shown)
        assert entry["witness"] == ""
        for span in rest:
            assert span["witness"] == WITNESS.get(span["name"], "context"), span["name"]


def test_a_price_is_checked_within_the_call_that_asked_for_it(night, night_without_injection):
    """Over HTTP, at a host of one's own, without IAM: with the header and without it."""
    for it, witness in (night, "context (proved)"), (night_without_injection, "link key"):
        for sale in it.truth.sales[:2]:
            shown = it.lumitrace("show", sale.sale_id)

            names = [span["name"] for span in shown["spans"]]
            assert names.count("ushop_price-check") == 1
            call = names.index("GET 127.0.0.1")
            check = shown["spans"][call + 1]
            assert (check["name"], check["witness"]) == ("ushop_price-check", witness)
            assert check["depth"] == shown["spans"][call]["depth"] + 1


def test_forged_ids_glue_no_strangers_together(night, night_without_injection):
    """Who claims the trace, the X-Ray root and the request ids of a sale is nobody but himself."""
    for it in night, night_without_injection:
        rows = it.transactions()

        strangers = [row for row in rows if row["functions"] == ["ushop_price-check"]]
        assert len(strangers) == FORGED
        assert sum("saleId" in row["tags"] for row in rows) == len(it.truth.sales)


def test_without_injection_link_keys_join(night_without_injection):
    """LUMITRACE_INJECT=none: all still join, exactly; only the table's stream is lost."""
    night = night_without_injection
    healthy = {sale.sale_id for sale in night.truth.healthy}

    sold = [row for row in night.transactions() if row["tags"].get("saleId") in healthy]
    assert len(sold) == len(healthy)
    assert [row for row in sold if set(row["functions"]) != CONFIRMED] == []
    shown = night.lumitrace("show", night.truth.sales[0].sale_id)
    assert {span["witness"] for span in handlers(shown)[1:]} == {"link key"}


def test_without_injection_a_receipt_joins_by_the_ids_of_its_requests(night_without_injection):
    """It belongs to the analytics that asked for it, and its copy in S3 to the receipt."""
    rows = night_without_injection.transactions()

    receipts = [row for row in rows if RECEIPTS & set(row["functions"])]
    assert receipts
    assert [row for row in receipts if set(row["functions"]) != RECEIPTS] == []


def test_without_injection_no_receiver_continues_a_trace(night_without_injection):
    """Nothing was sent along, so nothing was read."""
    starts = [line for _, line in night_without_injection.span_lines() if line["record"] == "start"]

    assert starts
    assert not [line for line in starts if line.get("parentSpanId")]


def test_xray_joins_what_nothing_else_does(night_without_injection):
    """With link keys taken out too, SNS joins by X-Ray's root, and the hop is called likely."""
    night = night_without_injection
    events = [dict(event, message=without_link_in(event["message"])) for event in night.events]

    shown = night.lumitrace("show", night.truth.healthy[-1].sale_id, events=events)

    entry, *rest = handlers(shown)
    [confirmation] = [span for span in rest if span["name"] == CHAIN[1]]
    assert entry["name"] == CHAIN[0]
    assert confirmation["witness"] == "X-Ray root (likely)"


def without_link_in(message):
    """Return *message* with no link key that a receiver found."""
    if '"linkIn"' not in message:
        return message
    lines = [json.loads(line) for line in message.splitlines()]
    for line in lines:
        line.pop("linkIn", None)
    return "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)


def test_a_quick_warm_invocation_writes_two_lines(night):
    """Shorter than 25 ms, warm, all well, without HTTP or Invoke: start and invocation alone."""
    lines = Counter()
    ended = {}
    for event, line in night.span_lines():
        key = event["logStreamName"], line["requestId"]
        lines[key] += 1
        if line["record"] == "invocation":
            ended[key] = line
    quick = [
        key
        for key, line in ended.items()
        if line["durationUs"] < 25_000
        and "faas.coldstart" not in line["attributes"]
        and line["name"] != "ushop_sale-analytics"  # invokes
        and line["name"] != CHAIN[1]  # the same request again, where it failed
    ]
    assert len(quick) >= 5
    assert {lines[key] for key in quick} == {2}


def test_no_line_of_ours_sets_off_an_alarm(night):
    """Metric filters on plain text never count a span line, healthy or failed."""
    lines = [event["message"] for event, _ in night.span_lines()]

    assert lines
    assert not [line for line in lines for word, _ in ALARMS if word in line]


def test_nothing_was_lost_or_dropped(night):
    """No broken, untrusted or skipped line, nothing over a budget, no failure of our own."""
    seen = night.lumitrace("why")["seen"]

    assert (seen["broken"], seen["untrusted"], seen["skipped"], seen["dropped"]) == (0, 0, 0, 0)
    assert seen["withoutSpanLines"] == seen["health"] == []
    assert seen["functions"] == 9


@pytest.mark.parametrize("question", ["transactions", "why"])
def test_the_order_of_the_lines_does_not_matter(night, question):
    """The same answer, whichever stream is read first."""
    straight = night.lumitrace(question)

    by_stream = sorted(night.events, key=lambda event: event["logStreamName"], reverse=True)
    turned = night.lumitrace(question, events=by_stream)

    assert straight == turned
