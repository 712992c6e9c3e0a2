"""What DynamoDB's items cost: a mark on each write, and each mark off again.

Run it with ``python benchmarks/dynamodb.py``. The goals: 0.5 ms to take the marks off 1,000 items
and to say who wrote them.
"""

import os
import time

from lumitrace.capture.services import _attribute_map
from lumitrace.capture.services._call import Call
from lumitrace.wire.context import SpanContext, new_span_id, new_trace_id
from lumitrace.wire.mark import ATTRIBUTE, format_mark

ROUNDS = 200
STRIP_GOAL_US = 500


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
    """Return the best of several runs, each over a page of its own."""
    from botocore.session import Session  # noqa: PLC0415  # other parts need no botocore

    model = Session().get_service_model("dynamodb").operation_model("Query")
    reader = os.urandom(16).hex()
    best = float("inf")
    for _ in range(ROUNDS):
        answer, call = page(items, writers), Call("dynamodb", "Query", {"TableName": "t"})
        begin = time.perf_counter()
        _attribute_map.clean_response(call, model, answer, reader)
        best = min(best, time.perf_counter() - begin)
    return best * 1e6


def print_strips():
    """Print what taking marks off takes."""
    print(f"{'read':48}{'us':>9}")
    for name, items, writers in strip_cases():
        took = strip_us(items, writers)
        print(f"{name:48}{took:9.1f}{'' if took < STRIP_GOAL_US else '  over the goal'}")


def main():
    """Print the tables."""
    print_strips()


if __name__ == "__main__":
    main()
