"""lumitrace: what your Lambda functions did together, from their own log lines.

The front door: `traced` wraps a handler, `tag` says what it is about, `record` and `records` give
each record of a batch its own context, `bind` gives it to an entry of a later call, `failed` says
which went wrong, `span` times a step, `trace_id` is the correlation ID.
"""

from lumitrace.capture.handler import traced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lumitrace.capture.api import bind, failed, record, records, span, tag, trace_id

__version__ = "0.1.0"
__all__ = ["bind", "failed", "record", "records", "span", "tag", "trace_id", "traced"]


def __getattr__(name: str) -> object:
    """Load the rest of the front door at first use: many a handler needs `traced` alone."""
    if name == "handler":  # of a function whose handler is set to lumitrace.handler
        from lumitrace.capture import auto  # noqa: PLC0415  # see above

        return auto.handler()
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from lumitrace.capture import api  # noqa: PLC0415  # see above

    found: object = getattr(api, name)
    globals()[name] = found
    return found
