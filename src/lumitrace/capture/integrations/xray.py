"""AWS X-Ray's SDK: the subsegment at hand gets the annotation ``lumitrace_trace_id``.

So a trace in X-Ray leads to its transaction here; the other way, our ``start`` line bears X-Ray's
root. Lambda's own segment cannot be changed (the SDK has a facade for it), and X-Ray indexes 50
annotations a trace: only the first subsegment of each of our traces gets one, ten an invocation.
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import os

from lumitrace.capture.config import ON, settings
from lumitrace.capture.current import current
from lumitrace.capture.frame import cut, dress
from lumitrace.capture.guard import Guard
from lumitrace.wire.context import parse_xray_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import Span

ANNOTATION = "lumitrace_trace_id"
MAX_ANNOTATIONS = 10  # an invocation

guard = Guard("capture.integrations.xray")


class Noted:
    """Which of our traces the subsegments of one invocation name already."""

    __slots__ = ("invocation", "traces")

    def __init__(self) -> None:
        self.invocation: tuple[str, int] = ("", 0)
        self.traces: set[str] = set()

    def is_new(self, span: "Span") -> bool:
        """Tell whether the trace of *span* is to be named, and count it as named."""
        invocation = (span.invocation.request_id, span.invocation.start_ns)
        if invocation != self.invocation:
            self.invocation, self.traces = invocation, set()
        if span.trace_id in self.traces or len(self.traces) >= MAX_ANNOTATIONS:
            return False
        self.traces.add(span.trace_id)
        return True


noted = Noted()


def patch(module: "Any") -> None:
    """Have every subsegment that begins look whether it is the first of its trace."""
    if settings.enabled != ON:
        return
    original = module.Subsegment.__init__
    if getattr(original, "__lumitrace__", False):
        return

    def __init__(*args: "Any", **kwargs: "Any") -> None:  # noqa: N807  # it stands in for it
        try:
            original(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise
        with guard:
            span = current()
            if span is not None and noted.is_new(span):
                args[0].put_annotation(ANNOTATION, span.trace_id)

    dress(__init__, original).__lumitrace__ = True
    module.Subsegment.__init__ = __init__


def begin(module: "Any", span: "Span") -> None:
    """Annotate the subsegment that was open before our handler began, where there is one.

    The SDK is not asked: where none is open it would write a log line, or draw random numbers.
    """
    entities = getattr(module.xray_recorder.context._local, "entities", None)  # noqa: SLF001  # see above
    entity: Any = entities[-1] if entities else None
    if getattr(entity, "type", None) != "subsegment" or not entity.in_progress:
        return
    root = parse_xray_root(os.environ.get("_X_AMZN_TRACE_ID"))
    if root is not None and parse_xray_root(f"Root={entity.trace_id}") != root:
        return  # of an invocation that has ended
    if noted.is_new(span):
        entity.put_annotation(ANNOTATION, span.trace_id)
