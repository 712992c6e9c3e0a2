"""Which form a text has: the forms are asked one after another, the strictest first."""

from collections.abc import Iterable, Iterator
from types import ModuleType

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.sources.forms import (
    envelopes,
    execution_history,
    export,
    insights_csv,
    insights_json,
    log_events,
    plain,
    sam,
    subscription,
    tail,
)
from lumitrace.reassembly.sources.text import Text, decoded

FORMS: tuple[ModuleType, ...] = (
    subscription,
    envelopes,
    insights_json,
    execution_history,
    log_events,
    insights_csv,
    export,
    tail,
    sam,
    plain,
)


def form_of(text: Text) -> ModuleType:
    """Return the form that *text* has; plain lines where no other knows it."""
    return next(form for form in FORMS if form.recognises(text))


def events_of(place: str, chunks: Iterable[bytes], counts: Counts) -> Iterator[LogEvent]:
    """Yield the log events that the unpacked *chunks* hold, which were found at *place*.

    Raises:
        Problem: they hold no text.
    """
    text = Text(place, decoded(place, chunks), counts)
    yield from form_of(text).events(text)
