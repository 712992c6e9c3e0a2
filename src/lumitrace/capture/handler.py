"""``@traced``: wraps a handler.

The handler runs exactly once, outside every guard, with the very arguments given. Nothing of ours
stays in the traceback of what it raises: the frame is cut where the exception passes, and the
wrapper's code bears a file name that the runtime client itself drops from the head of a stack
trace (`frame`).
"""

import os
from functools import cache

from lumitrace.capture.config import OFF, settings
from lumitrace.capture.current import process, started_ahead, watch_forks
from lumitrace.capture.frame import cut, dress, is_async
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar, overload

    Handler = TypeVar("Handler", bound=Callable[..., Any])

MARK = "__lumitrace__"

guard = Guard("capture.handler")

if TYPE_CHECKING:

    @overload
    def traced(handler: Handler, /) -> Handler: ...

    @overload
    def traced(
        *, name: str | None = None, tags: Mapping[str, object] | None = None
    ) -> Callable[[Handler], Handler]: ...


def traced(
    handler: "Any" = None,
    /,
    *,
    name: str | None = None,
    tags: "Mapping[str, object] | None" = None,
) -> "Any":
    """Trace a Lambda handler.

    ``@traced`` or ``@traced(name="checkout", tags={"team": "sales"})``, on functions, methods,
    async functions and any other callable. A second ``@traced`` does nothing. Outside Lambda, and
    with ``LUMITRACE_ENABLED=0``, the very same object comes back.

    Args:
        handler: what Lambda calls with an event and a context.
        name: what the span is called, by default the function's name in AWS.
        tags: tags that every invocation bears.
    """
    if handler is None:
        return lambda wrapped: traced(wrapped, name=name, tags=tags)  # type: ignore[call-overload]
    with guard:
        return traced_with(handler, name, tags)
    return handler


def traced_with(handler: "Any", name: str | None, tags: "Mapping[str, object] | None") -> "Any":
    """Return *handler* wrapped, or *handler* itself where there is nothing to do."""
    if settings.enabled == OFF or getattr(handler, MARK, None) is True or not callable(handler):
        return handler
    install()
    # Read once: 0.7 us each time.
    name = name or os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or "function"
    return _wrapped(handler, name, _texts(tags) if tags else {})


def _texts(tags: "Mapping[str, object]") -> dict[str, str]:
    from lumitrace.capture.tag import texts  # noqa: PLC0415  # few give tags here

    return texts(tags)


def install() -> None:
    """Be ready for botocore and for the neighbours, loaded or not; later calls do nothing."""
    with guard:
        from lumitrace.capture import doors  # noqa: PLC0415  # nothing is patched before

        doors.install()
        watch_forks()
    with guard:
        if started_ahead():  # then nobody waits for the start, but somebody for the first event
            _work()
    if settings.hang_stack:
        with guard:
            from lumitrace.capture import hang  # noqa: PLC0415  # by consent only

            hang.install()
    if settings.log_ids:
        with guard:
            from lumitrace.capture import integrations  # noqa: PLC0415  # by consent only

            integrations.install()


@cache  # 0.1 us, where an import that is done already takes 1
def _work() -> "Any":
    """Return what tells an invocation: loaded when the first begins."""
    from lumitrace.capture import invocation  # noqa: PLC0415  # see above

    return invocation


def _wrapped(handler: "Any", name: str, tags: dict[str, str]) -> "Any":
    make = _async_wrapper if is_async(handler) else _wrapper
    wrapper = dress(make(handler, name, tags), handler)
    if not hasattr(handler, "__code__") and not hasattr(handler, "__func__"):
        return _object(handler, wrapper)
    wrapper.__dict__[MARK] = True
    return wrapper


def _wrapper(handler: "Any", name: str, tags: dict[str, str]) -> "Any":
    def wrapper(*args: "Any", **kwargs: "Any") -> "Any":
        invocation = context = None
        with guard:
            event, context = _arguments(args, kwargs)
            invocation = _work().begin(name, tags, event, context)
        try:
            result = handler(*args, **kwargs)
        except BaseException as error:
            cut(error)
            if invocation is not None:
                with guard:
                    _work().end(invocation, context, None, error)
                process.active = None  # also where the end failed: the next one is traced
            raise
        if invocation is not None:
            with guard:
                _work().end(invocation, context, result, None)
            process.active = None
        return result

    return wrapper


def _async_wrapper(handler: "Any", name: str, tags: dict[str, str]) -> "Any":
    async def wrapper(*args: "Any", **kwargs: "Any") -> "Any":
        invocation = context = None
        with guard:
            event, context = _arguments(args, kwargs)
            invocation = _work().begin(name, tags, event, context)
        try:
            result = await handler(*args, **kwargs)
        except BaseException as error:
            cut(error)
            if invocation is not None:
                with guard:
                    _work().end(invocation, context, None, error)
                process.active = None  # also where the end failed: the next one is traced
            raise
        if invocation is not None:
            with guard:
                _work().end(invocation, context, result, None)
            process.active = None
        return result

    return wrapper


class TracedCallable:
    """A callable object, traced; in everything else it is the object."""

    def __init__(self, wrapped: "Any") -> None:
        self.__dict__["__wrapped__"] = wrapped

    def __getattr__(self, name: str) -> "Any":
        try:
            return getattr(self.__dict__["__wrapped__"], name)
        except BaseException as error:
            cut(error)
            raise

    def __setattr__(self, name: str, value: object) -> None:
        try:
            setattr(self.__dict__["__wrapped__"], name, value)
        except BaseException as error:
            cut(error)
            raise


def _object(handler: "Any", wrapper: "Any") -> "Any":
    """Return a `TracedCallable` whose call is *wrapper*, with no frame between."""
    body = {"__call__": staticmethod(wrapper), "__doc__": handler.__doc__, MARK: True}
    return type("TracedCallable", (TracedCallable,), body)(handler)


def _arguments(args: tuple["Any", ...], kwargs: "dict[str, Any]") -> "tuple[Any, Any]":
    """Return event and context: the last two positional ones, as with a method, or by name."""
    if len(args) == 2 and not kwargs:  # as the runtime calls: 1 us less
        return args
    values = [*args, *(kwargs[name] for name in ("event", "context") if name in kwargs)]
    return (values[-2], values[-1]) if len(values) >= 2 else (*values, None, None)[:2]
