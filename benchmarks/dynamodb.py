"""What DynamoDB's items cost: a mark on each write, and each mark off again.

Run it with ``python benchmarks/dynamodb.py``. The goals: 3 us more for a PutItem and 8 us more for
an UpdateItem than with injection off, beside botocore's making of the request; 0.5 ms to take the
marks off 1,000 items and to say who wrote them.
"""

import os
import time

from lumitrace.capture.config import settings
from lumitrace.capture.services import _attribute_map
from lumitrace.capture.services._call import Call
from lumitrace.capture.services.dynamodb import service
from lumitrace.wire.context import SpanContext, new_span_id, new_trace_id
from lumitrace.wire.mark import ATTRIBUTE, format_mark

ROUNDS = 200
STRIP_GOAL_US = 500


WRITE_ROUNDS, WRITES = 100, 500
PUT_GOAL_US, UPDATE_GOAL_US = 3, 8


def write_cases():
    """Yield (what is written, the operation, parameters, whether a message started it)."""
    flat = {f"attribute{n}": {"S": f"value {n}"} for n in range(10)}
    deep = {**flat, "lines": {"L": [{"M": {"sku": {"S": "x"}, "n": {"N": "1"}}}] * 5}}
    put = {"TableName": "ushop_sales", "Item": flat}
    yield "PutItem, 10 strings", "PutItem", [put], False
    yield "PutItem, 10 strings and a list", "PutItem", [{**put, "Item": deep}], False
    yield "PutItem, 100 strings", "PutItem", [{**put, "Item": wide(100)}], False
    large = {**flat, "blob": {"S": "x" * 350_000}}
    yield "PutItem, 350 KB", "PutItem", [{**put, "Item": large}], False
    new = [{**put, "Item": {**flat, "attribute0": {"S": str(n)}}} for n in range(10_000)]
    yield "PutItem, 10 strings, not by a timer", "PutItem", new, True
    yield "PutItem, the same again", "PutItem", [put], True
    update = {
        "TableName": "ushop_sales",
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "SET #s = :s, total = total + :n REMOVE draft",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "paid"}, ":n": {"N": "1"}},
        "ConditionExpression": "attribute_exists(id)",
    }
    yield "UpdateItem, one expression", "UpdateItem", [update], False
    many = [
        {**update, "UpdateExpression": f"SET #s = :s, a{n} = total + :n REMOVE draft"}
        for n in range(WRITES)
    ]
    yield "UpdateItem, another expression each time", "UpdateItem", many, False
    puts = [{"PutRequest": {"Item": flat}}] * 25
    batch = {"RequestItems": {"ushop_sales": puts}}
    yield "BatchWriteItem, 25 puts", "BatchWriteItem", [batch], False
    actions = [{"Put": put}, {"Update": update}] * 12
    yield "TransactWriteItems, 24", "TransactWriteItems", [{"TransactItems": actions}], False


def wide(count):
    """Return an item of *count* attributes."""
    return {f"attribute{n}": {"S": f"value {n}"} for n in range(count)}


def best_us(work, cases):
    """Return the best mean of several rounds over *cases*, one after the other."""
    best, count = float("inf"), max(len(cases), 50)
    turns = [cases[number % len(cases)] for number in range(count)]
    for _ in range(WRITE_ROUNDS):
        begin = time.perf_counter()
        for case in turns:
            work(case)
        best = min(best, time.perf_counter() - begin)
    return best * 1e6 / count


def inject_us(operation, cases, *, fed):
    """Return what the step takes by which the mark gets in, off and on."""
    context = SpanContext(new_trace_id(), new_span_id(), ("4c89c6ea",))

    def step(params):
        call = Call("dynamodb", operation, params, "eu-west-1")
        call.fed = fed
        service.inject(call, context)

    took = []
    for mode in ("off", "inject"):
        settings.dynamodb = mode
        took.append(best_us(step, cases))
    return took


def print_writes():
    """Print what a mark costs the writer, beside what botocore takes to make the request."""
    from botocore.serialize import create_serializer  # noqa: PLC0415  # other parts need none
    from botocore.session import Session  # noqa: PLC0415

    model, goals = Session().get_service_model("dynamodb"), {"PutItem": PUT_GOAL_US}
    goals["UpdateItem"] = UPDATE_GOAL_US
    serializer = create_serializer("json", include_validation=True)
    print(f"{'written':44}{'off us':>9}{'inject us':>11}{'more us':>9}{'botocore us':>13}{'%':>7}")
    for name, operation, cases, fed in write_cases():
        off, on = inject_us(operation, cases, fed=fed)
        of = model.operation_model(operation)
        make = best_us(lambda params, of=of: serializer.serialize_to_request(params, of), cases[:1])
        more = on - off
        late = "  over the goal" if more > goals.get(operation, more) else ""
        share = 100 * more / make
        print(f"{name:44}{off:9.2f}{on:11.2f}{more:9.2f}{make:13.1f}{share:7.1f}{late}")


def strip_cases():
    """Yield (what is read, its items, how many wrote them)."""
    yield "an item", 1, 1
    yield "a page of 100 items, each of another writer", 100, 100
    yield "1,000 items of one writer", 1_000, 1
    yield "1,000 items, each of another writer", 1_000, 1_000
    yield "1,000 items without a mark", 1_000, 0


def page(items, writers):
    """Return the answer of a Query, each item with ten attributes of its own."""
    contexts = [SpanContext(new_trace_id(), new_span_id(), ("4c89c6ea",)) for _ in range(writers)]
    answer = []
    for number in range(items):
        item = {f"attribute{n}": {"S": str(number)} for n in range(10)}
        if contexts:
            mark = format_mark(contexts[number % writers], "deadbeef", 1_795_383_700_000)
            item[ATTRIBUTE] = {"S": mark}
        answer.append(item)
    return {"Items": answer, "Count": items}


def strip_us(items, writers):
    """Return the best of several runs, each over a page of its own; and that of a bare loop."""
    from botocore.session import Session  # noqa: PLC0415  # other parts need no botocore

    model = Session().get_service_model("dynamodb").operation_model("Query")
    reader = os.urandom(16).hex()
    best = bare = float("inf")
    for _ in range(ROUNDS):
        answer, call = page(items, writers), Call("dynamodb", "Query", {"TableName": "t"})
        begin = time.perf_counter()
        _attribute_map.clean_response(call, model, answer, reader)
        best = min(best, time.perf_counter() - begin)
        answer = page(items, writers)
        begin = time.perf_counter()
        for item in answer["Items"]:
            item.pop(ATTRIBUTE, None)
        bare = min(bare, time.perf_counter() - begin)
    return best * 1e6, bare * 1e6


def print_strips():
    """Print what taking marks off takes, beside a loop that asks nothing: the machine's measure."""
    print(f"{'read':48}{'us':>9}{'bare loop us':>15}")
    for name, items, writers in strip_cases():
        took, bare = strip_us(items, writers)
        print(
            f"{name:48}{took:9.1f}{bare:15.1f}{'' if took < STRIP_GOAL_US else '  over the goal'}"
        )


def main():
    """Print the tables."""
    print_writes()
    print()
    print_strips()


if __name__ == "__main__":
    main()
