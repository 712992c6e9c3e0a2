"""The span that this thread or task has entered: a record's or one of the application's own."""

from contextvars import ContextVar

from lumitrace.capture.current import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lumitrace.capture.span import Span

current_span: "ContextVar[Span | None]" = ContextVar("lumitrace_current_span", default=None)
process.entered = current_span.get
