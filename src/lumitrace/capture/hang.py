"""``LUMITRACE_HANG_STACK=1``: shortly before the deadline every thread's stack goes to the log.

CPython's own watchdog writes it, one C thread that needs neither the interpreter nor a signal:
https://docs.python.org/3/library/faulthandler.html#dumping-the-tracebacks-after-a-timeout
It is armed at the first outgoing call of an invocation and called off at its end. A process has
one: a user's own `faulthandler.dump_traceback_later` is replaced. It is called off before a fork,
because a child that had inherited it would wait forever for a thread that it has not, and comes
back with the parent's next call; a child has none. This file is imported where the setting is on.
"""

import faulthandler
import functools
import os
import time
from _thread import RLock

from lumitrace.capture.calls import LiveCall
from lumitrace.capture.guard import Guard
from lumitrace.capture.output import STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BEFORE_NS = 250_000_000  # the deadline; half of what is left where that is less
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LONGEST_MS = 900_000  # an invocation; a deadline beyond is none

guard = Guard("capture.hang")


class Watch:
    """The watchdog of one process.

    Attributes:
        armed: whether it waits.
        deadline_ns: of the invocation that runs, monotonic; 0 where there is none.
        held: while it is armed or called off, and while the process forks.
    """

    __slots__ = ("armed", "child", "deadline_ns", "held")

    def __init__(self) -> None:
        self.armed = False
        self.child = False
        self.deadline_ns = 0
        self.held = RLock()

    def begin(self, context: object) -> None:
        """An invocation begins; *context* knows how long it may take."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        left_ms = remaining() if callable(remaining) else None
        self.end()  # of one whose end failed
        if isinstance(left_ms, (int, float)) and 0 < left_ms <= LONGEST_MS and not self.child:
            self.deadline_ns = time.perf_counter_ns() + int(left_ms * 1_000_000)

    def call(self) -> None:
        """A call goes out: from now on the function may hang in it."""
        if self.armed or not self.deadline_ns:
            return
        with self.held:
            left_ns = self.deadline_ns - time.perf_counter_ns()
            if self.armed or left_ns <= 0:
                return
            self.armed = True
            wait_ns = left_ns - min(BEFORE_NS, left_ns // 2)
            faulthandler.dump_traceback_later(wait_ns / 1e9, file=STDOUT)

    def end(self) -> None:
        """The invocation ends: nothing waits while the process is frozen."""
        with self.held:
            self.deadline_ns = 0
            self.call_off()

    def call_off(self) -> None:
        """Take the watchdog back."""
        if self.armed:
            self.armed = False
            faulthandler.cancel_dump_traceback_later()

    def forks(self) -> None:
        """Called before a fork: no thread arms it until that is done."""
        self.held.acquire()
        with guard:
            self.call_off()

    def goes_on(self) -> None:
        """In the parent, after the fork."""
        with guard:
            self.held.release()

    def forked(self) -> None:
        """In the child: it lives on beside the invocation, and has no watchdog."""
        self.held = RLock()
        self.child, self.deadline_ns = True, 0


watch = Watch()


@functools.cache
def install() -> None:
    """Be told of every call and every fork."""
    original = LiveCall.begin

    def begin(live: "Any") -> None:
        with guard:
            if live.span is not None:
                watch.call()
        original(live)

    LiveCall.begin = begin  # type: ignore[assignment,method-assign]  # free where it is off
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=watch.forks,
            after_in_parent=watch.goes_on,
            after_in_child=watch.forked,
        )
