"""``lumitrace transactions`` and ``show`` on a night's log lines."""

import json

import pytest


def by_tag(listed, name):
    """Return the listed transactions by the tag *name*."""
    return {row["tags"].get(name): row for row in listed["transactions"]}


def test_a_failed_sale_is_one_transaction_with_its_three_attempts(night, log_file, answer):
    """The till, the topic and three attempts of one request are one transaction."""
    night.sale(7, 0, bad=True)

    _, listed = answer("transactions", night.write(log_file))

    [row] = listed["transactions"]
    assert row["entry"] == "POST /sales"
    assert row["functions"] == ["ushop_new-sale-processing", "ushop_sale-confirmations"]
    assert row["state"] == "failed"
    assert row["issues"] == ["ushop_sale-confirmations: ValidationException, 3 times"]
    assert row["tags"] == {"saleId": "sale-0007", "total": "42.50", "customerId": "c003"}


def test_attempts_of_one_request_are_told_apart(night, log_file, answer):
    """Same request id, three attempts, each with its own lines."""
    night.sale(7, 0, bad=True)

    _, shown = answer("show", "sale-0007", night.write(log_file))

    attempts = [span["attempt"] for span in shown["spans"] if "confirmations" in span["name"]]
    assert attempts == ["1/3", "2/3", "3/3"]
    said = [line["attempt"] for line in shown["logs"] if "Confirming" in line["message"]]
    assert said == ["1/3", "2/3", "3/3"]


def test_retries_that_succeed_make_a_sale_recovered_and_ones_to_come_pending(
    night, log_file, answer
):
    """What the last attempt says holds; where Lambda may still try again, nothing is lost yet."""
    night.sale(1, 0, bad=True, recover=True)
    night.sale(2, 1000, bad=True, attempts=1)
    night.sale(3, 2000)

    _, listed = answer("transactions", night.write(log_file))

    states = {sale: row["state"] for sale, row in by_tag(listed, "saleId").items()}
    assert states == {"sale-0001": "recovered", "sale-0002": "pending", "sale-0003": "ok"}


def test_the_list_can_be_limited_to_the_latest_and_to_failures(night, log_file, answer):
    """``--limit`` keeps the latest, ``--failed`` those that failed."""
    for number in range(6):
        night.sale(number, number * 1000, bad=number == 2)
    path = night.write(log_file)

    latest = by_tag(answer("transactions", path, "--limit", "2")[1], "saleId")
    failed = by_tag(answer("transactions", path, "--failed")[1], "saleId")

    assert list(latest) == ["sale-0004", "sale-0005"]
    assert list(failed) == ["sale-0002"]


def test_without_injection_link_keys_join_the_same_hops(night, log_file, answer):
    """No context anywhere: the id that SNS gave the sender is the id that the receiver found."""
    night.sale(1, 0, bad=True, inject=False)

    _, shown = answer("show", "sale-0001", night.write(log_file))

    assert shown["transaction"]["state"] == "failed"
    hops = [span["witness"] for span in shown["spans"] if "confirmations" in span["name"]]
    assert hops == ["link key"] * 3
    assert len(shown["traces"]) == 4


def test_a_killed_sender_is_joined_by_xrays_root_alone_as_likely(night, log_file, answer):
    """No context, no answer from SNS: one sender and one receiver of one root are a likely hop."""
    root = "5759e988bd862e3fe1be46a994272793"
    till = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales", xrayRoot=root)
    call = [night.span(), "sns.Publish", "arn:aws:sns:eu-west-1:1:sales", 3000]
    night.line(till, 4, "calls", startUs=night.us(1), open=call)
    night.close(till, 3000, 3000, "Status: timeout")
    told = night.begin("confirm", 40, trigger="sns", source="sales", xrayRoot=root, kind="CONSUMER")
    night.end(told, 50, began=40, lasted=9)

    _, shown = answer("show", till.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["till", "confirm"]
    assert [span["witness"] for span in shown["spans"] if span["name"] == "confirm"] == [
        "X-Ray root (likely)"
    ]


def test_the_virtual_stack_leads_from_the_entry_to_the_call_that_failed(night, log_file, answer):
    """API Gateway, Lambda, SNS, Lambda, DynamoDB: with ids and the line of code."""
    night.sale(7, 0, bad=True)

    _, shown = answer("show", "sale-0007", night.write(log_file))

    stack = shown["stack"]
    assert [(frame["service"], frame["name"]) for frame in stack] == [
        ("API Gateway", "POST /sales"),
        ("Lambda", "ushop_new-sale-processing"),
        ("SNS", "Publish ushop_new-sales"),
        ("Lambda", "ushop_sale-confirmations"),
        ("DynamoDB", "PutItem ushop_sales"),
    ]
    assert stack[0]["id"] == "req req0007="
    assert stack[2]["id"] == "msg msg-0007-0000"
    assert (stack[3]["at"], stack[3]["attempt"]) == ("app.py:18 confirm", "attempt 3/3")
    assert stack[4]["failure"]["type"] == "ValidationException"


def test_all_log_lines_of_all_functions_stand_in_time_order(night, log_file, answer):
    """Lambda's lines and the application's; lumitrace's own only where asked for."""
    night.sale(7, 0)
    path = night.write(log_file)

    lines = answer("show", "sale-0007", path)[1]["logs"]
    raw = answer("show", "sale-0007", path, "--raw")[1]["logs"]

    assert [line["timeMs"] for line in lines] == sorted(line["timeMs"] for line in lines)
    assert [line["message"].split(" RequestId")[0] for line in lines] == [
        "START",
        "[INFO] New sale processing. saleId = sale-0007",
        "END",
        "REPORT",
        "START",
        "[INFO] Confirming sale. saleId = sale-0007",
        "END",
        "REPORT",
    ]
    assert len(raw) == len(lines) + 4


@pytest.mark.parametrize(
    "named",
    ["{trace}", "{short}", "{span}", "{request}", "msg-0007-0000", "req0007=", "saleId=sale-0007"],
)
def test_a_transaction_is_found_by_any_id(night, log_file, answer, named):
    """Trace, its beginning, span, request, message, API Gateway's id, a tag."""
    night.sale(6, 0)
    till = night.sale(7, 1000)
    ids = {"trace": till.trace, "short": till.trace[:6], "span": till.span, "request": till.request}

    code, shown = answer("show", named.format(**ids), night.write(log_file))

    assert code == 0
    assert shown["transaction"]["id"] == till.trace
    assert len(shown["matches"]) == 1


def test_where_several_match_the_failed_one_is_shown_and_all_are_listed(night, log_file, answer):
    """A customer's two sales: the one that failed first."""
    night.sale(2, 0, bad=True)
    night.sale(3, 1000)

    _, shown = answer("show", "customerId=c001", night.write(log_file))

    assert shown["transaction"]["tags"]["saleId"] == "sale-0002"
    assert [row["tags"]["saleId"] for row in shown["matches"]] == ["sale-0002", "sale-0003"]


def batch(night, *, fail=""):
    """Write two sales into one batch of a queue, each record in its own context."""
    sends = []
    for number in range(2):
        run = night.begin("till", number * 10, trigger="api-gateway-rest", route="POST /sales")
        sent = night.span()
        entry = [sent, "sqs.SendMessage", "queue", 1000, 1000, 200, [f"sqs:m{number}"]]
        tags = {"saleId": f"sale-{number}"}
        night.end(run, number * 10 + 4, began=number * 10, lasted=3, calls=[entry], tags=tags)
        sends.append((run, sent))
    links = [[run.trace, sent] for run, sent in sends]
    said = {"trigger": "sqs", "source": "queue", "links": links, "records": 2}
    worker = night.begin("worker", 100, kind="CONSUMER", **said)
    for run, sent in sends:
        kept = [night.span(), run.trace, sent, "m", 1000, 500, ""]
        error = {"type": "KeyError", "message": "'amount'"}
        if fail == run.trace or (fail == "second" and run is sends[1][0]):
            record = {"traceId": run.trace, "spanId": kept[0], "parentSpanId": sent}
            times = {"startUs": night.us(102), "durationUs": 500}
            failed = {"status": 2, "error": error, "recordId": "m", "kind": "CONSUMER"}
            night.line(worker, 103, "span", **record, **times, **failed, name="process queue")
        else:
            night.line(worker, 103, "calls", startUs=night.us(101), records=[kept])
    error = {"error": {"type": "KeyError", "message": "'amount'"}} if fail else {}
    night.end(worker, 105, began=100, lasted=4, **error)
    return sends


def test_a_batch_is_shown_in_each_transaction_that_fed_it_as_shared(night, log_file, answer):
    """The batch belongs to both; each record belongs to its own."""
    sends = batch(night)

    _, shown = answer("show", "sale-0", night.write(log_file))

    spans = shown["spans"]
    assert [span["sharedBy"] for span in spans if span["name"] == "worker"] == [2]
    assert [span["traceId"] for span in spans if span["role"] == "record"] == [sends[0][0].trace]


def test_a_record_is_named_alike_whether_it_is_an_entry_or_a_line(night, log_file, answer):
    """As the line of one that failed says: else one cause would be two."""
    batch(night, fail="second")
    path = night.write(log_file)

    shown = [answer("show", sale, path)[1]["spans"] for sale in ("sale-0", "sale-1")]

    names = [span["name"] for spans in shown for span in spans if span["role"] == "record"]
    assert names == ["process queue", "process queue"]


def test_a_failure_of_a_batch_that_a_record_owns_is_lost_by_that_record_alone(
    night, log_file, answer
):
    """The second record raised: the first one's sale went well."""
    batch(night, fail="second")
    night.sale(1, 600_000)

    _, listed = answer("transactions", night.write(log_file))

    states = {sale: row["state"] for sale, row in by_tag(listed, "saleId").items()}
    assert states == {"sale-0": "ok", "sale-1": "failed", "sale-0001": "ok"}


def test_a_failure_of_a_batch_that_no_record_owns_is_shared(night, log_file, answer):
    """One of two: it counts as shared, never as lost."""
    batch(night, fail="nobody's")
    events = [event for event in night.events if '"records":[[' not in event["message"]]
    night.events = events
    night.sale(1, 600_000)

    _, listed = answer("transactions", night.write(log_file))

    states = {sale: row["state"] for sale, row in by_tag(listed, "saleId").items()}
    assert states == {"sale-0": "shared", "sale-1": "shared", "sale-0001": "ok"}


def test_a_sender_that_was_not_read_still_joins_what_it_sent(night, log_file, answer):
    """The beginning lies before the window: what follows from it is one transaction."""
    unread, sent = night.trace(), night.span()
    for number in range(2):
        run = night.begin("worker", number * 100, trigger="sqs", links=[[unread, sent]])
        night.end(run, number * 100 + 9, began=number * 100, lasted=8)

    _, listed = answer("transactions", night.write(log_file))

    [row] = listed["transactions"]
    assert (row["id"], row["entry"]) == (unread, "(beginning not read)")


def test_the_printed_page_has_stack_spans_and_logs(night, log_file, command):
    """The page for people names the same things, and no line of it is cut."""
    night.sale(7, 0, bad=True)

    page = command("show", "sale-0007", night.write(log_file)).stdout.decode()

    assert "virtual stack trace (most recent hop last)" in page
    assert "attempt 3/3" in page
    assert "✗ ValidationException: One or more parameter values were invalid" in page
    assert "ushop_sale-confirmations 2/3" in page


def test_json_holds_full_ids(night, log_file, answer):
    """What is short on the page is whole in JSON."""
    till = night.sale(7, 0)

    _, listed = answer("transactions", night.write(log_file))

    assert json.dumps(listed).count(till.trace) == 1
