"""Which span is current, and what one process knows across invocations."""

import os
from _thread import allocate_lock
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lumitrace.capture.span import Invocation, Span


class Process:
    """What one process knows across invocations.

    Attributes:
        active: the invocation that runs.
        invocations: how many have begun.
        outside: AWS calls made outside an invocation.
        entered: answers the span that this thread or task has entered; None until one is entered
            (`entered`): a function without spans of its own does not pay for context variables.
    """

    __slots__ = ("active", "entered", "invocations", "outside")

    def __init__(self) -> None:
        self.active: Invocation | None = None
        self.invocations = 0
        self.outside = 0
        self.entered: Callable[[], Span | None] | None = None

    def forked(self) -> None:
        """In a forked child: nothing that the parent gathered is written twice.

        No handler ends in the child, so that its calls are written one by one.
        """
        invocation = self.active
        if invocation is not None:
            for span in (invocation.handler, *invocation.dirty):
                span.calls, span.records, span.tags = [], [], {}
            invocation.lines, invocation.dirty, invocation.waiting_bytes = [], [], 0
            invocation.taking = allocate_lock()  # another thread may have held it
            invocation.eager, invocation.held = True, False


process = Process()


@cache
def watch_forks() -> None:
    """Have a forked child begin with nothing to write."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=process.forked)


def started_ahead() -> bool:
    """Tell whether the process was started before there was an event for it."""
    kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    # Managed Instances start ahead too.
    return kind != "on-demand" or "AWS_LAMBDA_MAX_CONCURRENCY" in os.environ


def current() -> "Span | None":
    """Return the span whose work this is, or None outside an invocation.

    Where the context variable is lost (pool threads of others) or belongs to an invocation that has
    ended, it is the span of the invocation that runs. Of one that was left, the one around it.
    """
    invocation = process.active
    if invocation is None:
        return None
    span = None if process.entered is None else process.entered()
    if span is None or span.invocation is not invocation:
        return invocation.handler
    while span is not None and span.ended:
        span = span.parent
    return span or invocation.handler
