"""Handlers of all kinds that succeed."""

import functools
import json
from decimal import Decimal

from door import traced


@traced
def echo(event, context):
    print("event", repr(event)[:200], type(event).__name__)
    print(context.aws_request_id, context.get_remaining_time_in_millis() > 0)
    return event


class Shop:
    """An application with state."""

    def __init__(self):
        self.count = 0

    @traced
    def method(self, event, context):
        self.count += 1
        return self.count

    def plain(self, event, context):
        return {"self": type(self).__name__, "n": event}


class App:
    """A callable object."""

    def __call__(self, event, context):
        return {"called": event}


class Slots:
    """A callable object that takes no attribute."""

    __slots__ = ()

    def __call__(self, event, context):
        return "slots"


def three(first, event, context):
    return [first, event]


def defaults(event, context=None, *, more=1, **rest):
    return [event, more, rest]


bound = Shop().method
traced_bound = traced(Shop().plain)
app = traced(App())
slots = traced(Slots())
partial = traced(functools.partial(three, "first"))
anonymous = traced(lambda event, context: event)
named = traced(name="checkout", tags={"team": "sales"})(defaults)
nested = traced(traced(three.__get__("first")))
builtin = traced(functools.partial(dict, a=1))


@traced
def outer(event, context):
    return [inner(event, context), inner(event=event, context=context)]


@traced
def inner(event, context):
    return repr(event)


@traced
def generator(event, context):
    yield 1


@traced
async def coroutine(event, context):
    return 1


RESULTS = {
    "none": lambda: None,
    "set": lambda: {1},
    "nan": lambda: float("nan"),
    "decimal": lambda: Decimal("1.50"),
    "bytes": lambda: b"\x00\xff",
    "object": lambda: object(),
    "generator": lambda: (print(it) for it in "abc"),
    "deep": lambda: functools.reduce(lambda inner, _: [inner], range(100_000), 1),
    "huge": lambda: "x" * 6_000_000,
    "surrogate": lambda: "\ud800",
    "big": lambda: 10**5000,
    "keys": lambda: {(1, 2): 3},
    "status": lambda: {"statusCode": "not a number", "headers": None},
    "failures": lambda: {"batchItemFailures": [{"itemIdentifier": None}, 7, "x"]},
    "cycle": lambda: (lambda it: it.append(it) or it)([]),
    "noisy": lambda: Noisy(statusCode=500, batchItemFailures=[{"itemIdentifier": "a"}]),
}


class Noisy(dict):
    """A dictionary that tells who looks at it."""

    def __getitem__(self, key):
        print("asked for", key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        print("got", key)
        return super().get(key, default)

    def __contains__(self, key):
        print("contains", key)
        return super().__contains__(key)


@traced
def result(event, context):
    return RESULTS[event]()


kept = []


@traced
def keeps(event, context):
    """Tell whether what was kept has changed since."""
    print(json.dumps(kept, default=repr))
    kept.append(event)
    answer = {"is": [event], "statusCode": 500, "batchItemFailures": []}
    kept.append(answer)
    return answer


@traced
def changes(event, context):
    """Change the event and give it back."""
    event["Records"] = event.pop("records", None)
    event["self"] = "changed"
    context.own = 1
    return event
