"""``lumitrace why``: the issue, whom it hurts, and the cause."""

from decimal import Decimal

import pytest

from lumitrace.reassembly.answers.cause import without_ids
from lumitrace.reassembly.answers.tag_choice import choose_id, choose_sum, money, uses


def an_hour_later(night):
    """Write a healthy sale long after, so that no retry can be pending."""
    night.sale(9999, 3_600_000)


def test_why_counts_exactly_the_sales_that_are_lost(night, log_file, answer):
    """Lost for good, recovered and pending are counted apart; the sum is exact."""
    for number in range(10):
        night.sale(number, number * 1000, bad=number in {3, 5, 7})
    night.sale(20, 20_000, bad=True, recover=True)
    night.sale(21, 21_000, bad=True, attempts=2)

    _, said = answer("why", night.write(log_file))

    impact = said["impact"]
    assert impact["ids"] == ["sale-0003", "sale-0005", "sale-0007"]
    assert impact["pendingIds"] == ["sale-0021"]
    assert (impact["lost"], impact["recovered"], impact["pending"]) == (3, 1, 1)
    assert impact["healthy"] == 7
    assert Decimal(impact["total"]) == Decimal("127.50")
    assert (impact["idTag"], impact["sumTag"], impact["noun"]) == ("saleId", "total", "sale")
    assert impact["distinct"] == {"customerId": 3}


def test_a_retry_that_never_came_is_a_loss_in_the_end(night, log_file, answer):
    """Five minutes after the last attempt nothing more is to be expected."""
    night.sale(1, 0, bad=True, attempts=1)
    an_hour_later(night)

    _, said = answer("why", night.write(log_file))

    assert said["impact"]["ids"] == ["sale-0001"]


def test_the_issue_counts_the_last_minute_and_all(night, log_file, answer):
    """The last minute of the data, and everything that was read."""
    night.sale(1, 0, bad=True)
    for number in range(2, 6):
        night.sale(number, 120_000 + number * 1000, bad=number == 5)

    _, said = answer("why", night.write(log_file))

    issue = said["issue"]
    assert issue["function"] == "ushop_sale-confirmations"
    assert issue["lastMinute"] == {"failed": 3, "invocations": 6}
    assert issue["all"] == {"failed": 6, "invocations": 9}


def test_the_cause_is_the_deepest_failing_call_with_its_shares(night, log_file, answer):
    """The call, AWS's error and its message; how many failing and healthy ones have it."""
    night.sale(1, 0, bad=True)
    night.sale(2, 1000)

    _, said = answer("why", night.write(log_file))

    cause = said["cause"]
    assert cause["function"] == "ushop_sale-confirmations"
    assert (cause["service"], cause["call"]) == ("DynamoDB", "PutItem ushop_sales")
    assert cause["type"] == "ValidationException"
    assert cause["message"].startswith("One or more parameter values were invalid")
    assert cause["failing"] == {"having": 1, "of": 1}
    assert cause["healthy"] == {"having": 0, "of": 1}


def one(night, ms, *, fails, calls):
    """Write an invocation with failing *calls*: (operation, message)."""
    run = night.begin("pay", ms, trigger="api-gateway-rest", route="POST /pay")
    for place, (operation, message) in enumerate(calls):
        error = {"type": "ClientError", "code": "Refused", "message": message}
        times = {"startUs": night.us(ms + 2 + place), "offsetUs": 1000, "durationUs": 500}
        named = {"name": operation, "operation": operation, "kind": "CLIENT", "error": error}
        own = {"spanId": night.span(), "parentSpanId": run.span, "status": 2}
        night.line(run, ms + 3 + place, "span", **times, **named, **own)
    error = {"error": {"type": "RuntimeError", "message": "payment failed"}} if fails else {}
    night.end(run, ms + 9, began=ms, lasted=8, **error)


def test_a_failure_that_healthy_transactions_handle_does_not_mislead(night, log_file, answer):
    """Everybody's cache misses; only the failing ones' bank refuses."""
    handled, fatal = ("dynamodb.GetItem", "no such item"), ("lambda.Invoke", "the bank refused")
    for number in range(6):
        fails = number < 2
        calls = [fatal, handled] if fails else [handled]
        one(night, number * 1000, fails=fails, calls=calls)

    _, said = answer("why", night.write(log_file))

    assert said["cause"]["message"] == "the bank refused"
    assert said["cause"]["healthy"] == {"having": 0, "of": 4}


def test_ids_in_messages_do_not_split_a_cause(night, log_file, answer):
    """Each message names another order: one cause all the same."""
    for number in range(4):
        one(night, number * 1000, fails=True, calls=[("s3.PutObject", f"no key order-{number}/x")])

    _, said = answer("why", night.write(log_file))

    assert said["cause"]["failing"] == {"having": 4, "of": 4}
    assert said["cause"]["message"] == "no key */x"
    assert said["otherCauses"] == []


def test_a_callee_whose_failure_its_caller_handled_is_no_loss(night, log_file, answer):
    """An Invoke that waits: what the caller makes of the answer counts."""
    caller = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales")
    invoke, request = night.span(), night.request()
    callee = night.begin(
        "receipt", 3, request=request, trace=caller.trace, trigger="lambda", parentSpanId=invoke
    )
    error = {"type": "KeyError", "message": "'mail'"}
    night.end(callee, 5, began=3, lasted=2, error=error, parentSpanId=invoke)
    entry = [invoke, "lambda.Invoke", "receipt", 1000, 5000, 200, [f"lambda:{request}"]]
    night.end(caller, 9, began=0, lasted=8, calls=[entry])

    _, said = answer("why", night.write(log_file))

    assert said["impact"]["lost"] == 0
    assert said["issue"]["function"] == "receipt"


def test_where_nothing_failed_it_says_so_and_is_content(night, log_file, command):
    """One line, and exit code 0."""
    night.sale(1, 0)

    done = command("why", night.write(log_file))

    assert done.returncode == 0
    assert "nothing failed in 1 transaction" in done.stdout.decode()


def test_the_page_reads_as_an_answer(night, log_file, command):
    """Issue, impact, cause, seen, the stack, and the command to look further."""
    for number in range(4):
        night.sale(number, number * 1000, bad=True)

    path = night.write(log_file)
    page = command("why", path).stdout.decode()

    lines = page.splitlines()
    assert lines[0].startswith("issue    ushop_sale-confirmations   12 of 12 invocations failed in")
    assert lines[1].startswith("impact   4 sales lost, total 170.00, 2 customers")
    assert "cause    ushop_sale-confirmations > DynamoDB PutItem ushop_sales" in page
    assert "seen     16 invocations of 2 functions" in page
    assert f" {path}" in next(line for line in lines if line.startswith("look further:"))


def test_tags_can_be_named(night, log_file, answer):
    """``--id-tag`` and ``--sum-tag`` overrule the rule."""
    night.sale(2, 0, bad=True)

    _, said = answer("why", night.write(log_file), "--id-tag", "customerId", "--sum-tag", "saleId")

    assert said["impact"]["ids"] == ["c001"]
    assert (said["impact"]["total"], said["impact"]["withoutTotal"]) == (None, 1)


def test_the_id_tag_is_the_one_that_is_unique_at_the_entry():
    """A customer buys twice; an item's id is not set at the entry."""
    tags = [{"saleId": str(n), "customerId": str(n // 2), "itemId": str(n)} for n in range(4)]
    entry = [{"saleId": "", "customerId": ""}] * 4

    assert choose_id(uses(tags, entry), ["POST /sales"]) == "saleId"
    assert choose_id(uses([{"sum": "1"}], []), []) == ""


def test_of_two_unique_id_tags_the_route_decides():
    """Two sales of two customers: ``POST /sales`` is about sales."""
    tags = [{"customerId": "a", "saleId": "x"}, {"customerId": "b", "saleId": "y"}]

    assert choose_id(uses(tags, tags), ["POST /sales"]) == "saleId"


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ([{"amount": "1", "total": "2"}], "total"),
        ([{"total": "many"}, {"price": "3"}], "price"),
        ([{"orderTotal": "3", "n": "1"}], "orderTotal"),
        ([{"n": "1"}], ""),
    ],
)
def test_the_money_is_a_numeric_tag_with_a_name_for_it(tags, name):
    """Total, amount, price, value, revenue, in this order, where the values are numbers."""
    assert choose_sum(uses(tags, [])) == name


@pytest.mark.parametrize("text", ["nan", "inf", "1e999999999", "", "4 2", "9" * 40])
def test_what_is_no_amount_is_no_money(text):
    """Neither infinity nor a number that would fill the memory."""
    assert money(text) is None


def test_words_with_digits_and_ids_are_left_out_of_a_message():
    """Ids do not split a cause; words stay."""
    told = without_ids("no user bob-x in 3f2a at 10.5", {"userId": "bob-x", "department": "user"})

    assert told == "no user * in * at *"
