"""Loops over records: which record an exception left, and which one a ``break``.

Python closes a generator alike for ``break``, for ``return`` and for an exception in the loop's
body, and not at all while somebody still holds it. So it is noted which loop asked for a record:
its frame, by number only, and the instruction. When the handler fails, the record has failed if
the exception passed through the body of that very loop.
"""

import builtins

from lumitrace.capture.entered import current_span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from lumitrace.capture.record_span import RecordSpan
    from lumitrace.capture.span import Span

    Places = tuple[tuple[int, int, CodeType], ...]

CO_GENERATOR = 0x20  # inspect.CO_GENERATOR, without importing inspect
MAX_PLACES = 8  # generators around generators around the records
MAX_ERRORS = 100  # of a chain or a group of exceptions
MAX_FRAMES = 1000  # of a traceback
GROUP = getattr(builtins, "BaseExceptionGroup", None)  # since Python 3.11
CACHE = 2  # bytes: an instruction that is specialised is left at its cache (Python 3.12)
DELEGATES = ("SEND", "YIELD_FROM")  # what ``yield from`` waits at
EXITS = ("RETURN", "RAISE", "RERAISE", "JUMP")  # behind which nothing follows


def places(frame: "FrameType | None") -> "Places":
    """Return what drives the generator *frame*, nearest first; nothing where it is none.

    A place is (number of the frame, instruction, code). A frame itself is never kept: all that the
    function has in hand would live as long. Takes about 1 us a record.
    """
    found: list[tuple[int, int, CodeType]] = []
    while frame is not None and frame.f_code.co_flags & CO_GENERATOR and len(found) < MAX_PLACES:
        frame = frame.f_back
        if frame is not None:
            found.append((id(frame), frame.f_lasti, frame.f_code))
    return tuple(found)


class Left:
    """The records in which loops were left, by the frames of these, until it is known why."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, ...], list[tuple[Places, RecordSpan]]] = {}

    def add(self, span: "RecordSpan") -> None:
        """Note that its loop was left in *span*."""
        self.known.setdefault(_frames(span.places), []).append((span.places, span))

    def again(self, places: "Places") -> "list[RecordSpan]":
        """Take out those that were left in the very loop that stands at *places*."""
        waiting = self.known.get(_frames(places), []) if self.known else []
        taken = [one for one in waiting if _is_same_loop(one[0], places)]
        for one in taken:
            waiting.remove(one)
        return [span for _, span in taken]


def _frames(places: "Places") -> tuple[int, ...]:
    return tuple(place[0] for place in places)


def _is_same_loop(ones: "Places", others: "Places") -> bool:
    pairs = zip(ones, others, strict=True)
    return all(a[2] is b[2] and abs(a[1] - b[1]) <= CACHE for a, b in pairs)


class Failure:
    """What a handler raised, and where it passed: the instructions by frame and code.

    A frame is known by its number, which Python gives to another as soon as the first has ended.
    """

    def __init__(self, raised: BaseException) -> None:
        self.passed: dict[tuple[int, CodeType], set[int]] = {}
        waiting: list[Any] = [raised]
        known = {id(raised)}
        while waiting and len(known) <= MAX_ERRORS:
            error = waiting.pop()
            self._read(error)
            others = error.exceptions if GROUP is not None and isinstance(error, GROUP) else ()
            for other in (error.__cause__, error.__context__, *others):
                if isinstance(other, BaseException) and id(other) not in known:
                    known.add(id(other))
                    waiting.append(other)

    def _read(self, error: BaseException) -> None:
        traceback = error.__traceback__
        for _ in range(MAX_FRAMES):
            if traceback is None:
                break
            frame = traceback.tb_frame
            self.passed.setdefault((id(frame), frame.f_code), set()).add(traceback.tb_lasti)
            traceback = traceback.tb_next

    def left(self, span: "RecordSpan") -> bool:
        """Tell whether it left the loop that asked for the record of *span*."""
        for frame, at, code in span.places:
            passed = self.passed.get((frame, code), ())
            name, body = _instruction(code, at)
            if body is not None and any(body(one) for one in passed):
                return True
            if body is None and name not in DELEGATES:
                return at in passed  # list(), next() or the like: it raised at that very call
        return False


def to_blame(spans: "list[RecordSpan]", raised: BaseException | None) -> "list[RecordSpan]":
    """Return those of *spans*, begun and not told, in which the handler failed with *raised*.

    Where a loop asked for a record, it is the loop that counts. A ``with`` block, or ``next`` by
    hand, keeps a record in force until it is left.
    """
    if raised is None or not spans:
        return []
    failure, here = Failure(raised), _in_force_here()
    return [one for one in spans if failure.left(one) or (one in here and _is_by_hand(one))]


def _is_by_hand(span: "RecordSpan") -> bool:
    if span.left_ns or not span.places:
        return not span.left_ns
    _, at, code = span.places[-1]
    return _instruction(code, at)[1] is None


def _in_force_here() -> "list[Span]":
    span, found = current_span.get(), []
    while span is not None:
        found.append(span)
        span = span.parent
    return found


def _instruction(code: "CodeType", at: int) -> "tuple[str, Callable[[int], bool] | None]":
    """Return the name of the instruction *at* an offset; of a loop's, also what tells its body."""
    import dis  # noqa: PLC0415  # only where a handler failed

    instructions = list(dis.get_instructions(code))
    # What runs may stand at a cache behind its instruction.
    own = max((one for one in instructions if one.offset <= at), key=lambda one: one.offset)
    if own.opname != "FOR_ITER":
        return own.opname, None
    begin, end = own.offset, own.argval
    lines = list(code.co_lines())

    def line(offset: int) -> int:
        return next((one for first, last, one in lines if first <= offset < last), None) or 0

    behind = 0  # the first line behind the loop
    for one in instructions:
        if one.offset >= end:
            behind = line(one.offset) if line(one.offset) > line(begin) else 0
            if behind or one.opname.startswith(EXITS):
                break

    def body(offset: int) -> bool:
        """Tell whether *offset* is in the loop: Python copies short ends of a function there."""
        return begin <= offset < end and not 0 < behind <= line(offset)

    return own.opname, body
