"""The story of the talk: a sale fails at night, and the logs say whom it hurts and why."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from lumitrace.wire.span_line import ALARMS

CHAIN = ("ushop_new-sale-processing", "ushop_sale-confirmations")
HEALTHY = {
    *CHAIN,
    "ushop_shipping-worker",
    "ushop_sale-analytics",
    "ushop_receipt-email",
}


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
    assert cause["healthy"]["having"] == 0


def test_every_sale_is_one_transaction(night):
    """As many transactions as sales, each with its sale's id, none glued to another."""
    rows = night.lumitrace("transactions", "--limit", "1000")["transactions"]

    ids = [row["tags"]["saleId"] for row in rows if "saleId" in row["tags"]]
    assert sorted(ids) == sorted(sale.sale_id for sale in night.truth.sales)


def handlers(shown):
    """Return the spans of the handlers of a transaction, in the order shown."""
    return [span for span in shown["spans"] if span["role"] == "invocation"]


def test_a_failed_sale_is_one_transaction_with_three_attempts(night):
    """API Gateway → processing → SNS → three attempts of one request id → DynamoDB's error."""
    for sale in night.truth.failed[:5]:
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


def test_a_healthy_sale_reaches_shipping_analytics_and_the_receipt(night):
    """Through SNS, SQS, the table's stream and an Invoke."""
    rows = night.lumitrace("transactions", "--limit", "1000")["transactions"]

    healthy = {sale.sale_id for sale in night.truth.healthy}
    functions = [set(row["functions"]) for row in rows if row["tags"].get("saleId") in healthy]
    assert len(functions) == len(healthy)
    assert all(reached >= HEALTHY for reached in functions)


def test_a_healthy_sale_has_its_own_receipt_and_no_strangers(night):
    """Analytics is shared by its batch; what it did for one sale is that sale's alone."""
    for sale in night.truth.healthy[:5]:
        shown = night.lumitrace("show", sale.sale_id)

        receipts = [span for span in handlers(shown) if span["name"] == "ushop_receipt-email"]
        assert len(receipts) == 1
        assert receipts[0]["sharedBy"] == 0
        told = [line["message"] for line in shown["logs"]]
        assert [m for m in told if "Receipt sent" in m] == [
            f"[INFO] Receipt sent. saleId = {sale.sale_id}"
        ]


def test_not_one_hop_is_guessed(night):
    """Every handler but the first was reached by a context that it read, or by an id of AWS's."""
    for sale in [*night.truth.healthy[:4], *night.truth.failed[:2]]:
        shown = night.lumitrace("show", sale.sale_id)

        entry, *rest = handlers(shown)
        assert entry["witness"] == ""
        assert {span["witness"] for span in rest} <= {"context", "link key", "context (proved)"}
        of_messages = [span for span in rest if span["name"] in HEALTHY]
        assert {span["witness"] for span in of_messages} == {"context"}


def test_without_injection_link_keys_join(night_without_injection):
    """LUMITRACE_INJECT=none: SNS and SQS still join, exactly; only the stream is lost."""
    night = night_without_injection
    rows = night.lumitrace("transactions", "--limit", "1000")["transactions"]

    sold = [set(row["functions"]) for row in rows if "saleId" in row["tags"]]
    assert len(sold) == len(night.truth.sales)
    assert all(reached >= {*CHAIN, "ushop_shipping-worker"} for reached in sold)
    assert not any("ushop_sale-analytics" in reached for reached in sold)
    shown = night.lumitrace("show", night.truth.sales[0].sale_id)
    assert {span["witness"] for span in handlers(shown)[1:]} == {"link key"}


def test_without_injection_an_invoke_joins_by_its_request_id(night_without_injection):
    """The receipt belongs to the analytics that asked for it."""
    night = night_without_injection
    rows = night.lumitrace("transactions", "--limit", "1000")["transactions"]

    receipts = [row for row in rows if "ushop_receipt-email" in row["functions"]]
    assert sum("ushop_receipt-email" in row["functions"] for row in rows) == len(receipts) > 0
    assert all("ushop_sale-analytics" in row["functions"] for row in receipts)


def test_without_injection_no_receiver_continues_a_trace(night_without_injection):
    """Nothing was sent along, so nothing was read."""
    starts = [line for _, line in night_without_injection.span_lines() if line["record"] == "start"]

    assert starts
    assert not [line for line in starts if line.get("parentSpanId")]


def test_xray_joins_what_nothing_else_does(night_without_injection):
    """With link keys taken out too, SNS joins by X-Ray's root, and the hop is called likely."""
    night = night_without_injection
    events = [dict(event, message=without_link_in(event["message"])) for event in night.events]

    shown = night.lumitrace("show", night.truth.healthy[0].sale_id, events=events)

    entry, confirmation = handlers(shown)
    assert (entry["name"], confirmation["name"]) == CHAIN
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
