"""One transaction out of a store: all its lines, and those of the transactions that they name."""

from collections.abc import Sequence

from lumitrace.reassembly.answers.find import Matches
from lumitrace.reassembly.store.lookup import Named, lookup, of_keys, of_traces
from lumitrace.reassembly.store.reading import Number, Reading, Stored, note_unit
from lumitrace.reassembly.transaction import Assembled, Transaction

MOST = 200  # transactions that one name stands for and that are read; of more, the latest
MOST_BESIDE = 100  # transactions that are named by what was read


def one(reading: Reading, wanted: str) -> tuple[Matches, Assembled]:
    """Return what *wanted* names, and the transactions that an answer about it needs."""
    return reading.ask(lambda: _one(reading, wanted))


def _one(reading: Reading, wanted: str) -> tuple[Matches, Assembled]:
    named = lookup(reading, wanted)
    if not named.numbers:
        assembled = _alone(reading, named)
        attempts = assembled.attempts
        return Matches(named.by if attempts else "", attempts=attempts), assembled
    chosen = sorted(named.numbers)[-MOST:]
    assembled = read_with_beside(reading, chosen)
    found = assembled.transactions
    if len(found) > len(chosen):  # some of them are only spoken of
        asked = reading.stored(chosen).result.members
        found = [one for one in found if one.id in asked]
    assembled.last_ms = reading.last_ms
    return Matches(named.by, found), assembled


def read_with_beside(reading: Reading, numbers: Sequence[Number]) -> Assembled:
    """Return the transactions of these *numbers*, and those that they speak of."""
    stored = reading.stored(numbers)
    assembled = reading.read(stored)
    beside = _beside(reading, stored, assembled) - set(numbers)
    if not beside:
        return assembled
    return reading.transactions([*numbers, *sorted(beside)[-MOST_BESIDE:]])


def _alone(reading: Reading, named: Named) -> Assembled:
    stored = Stored()
    for request_id, key, from_ms, until_ms in named.alone:
        unit = {"stream_key": key, "request_id": request_id}
        note_unit(stored, {**unit, "from_ms": from_ms, "until_ms": until_ms})
    return reading.read(stored)


def _beside(reading: Reading, stored: Stored, assembled: Assembled) -> set[Number]:
    """Return the transactions that those of *assembled* speak of without being one with them."""
    traces = {row[2] for row in stored.result.candidates}
    keys: set[str] = set()
    for transaction in assembled.transactions:
        traces |= _named(assembled, transaction)
        keys.update(key for span in transaction.spans for key, _ in span.relations)
    known = {trace for one in assembled.transactions for trace in one.traces}
    return of_traces(reading, traces - known) | of_keys(reading, keys)


def _named(assembled: Assembled, transaction: Transaction) -> set[str]:
    """Return the traces that *transaction* claims, read from, or shares a failed batch with."""
    found = {trace for span in transaction.spans for trace, *_ in (*span.claims, *span.read_from)}
    for attempt in transaction.attempts:
        if attempt.failed_records:
            found.update(hop.sender_trace for hop in assembled.senders(attempt))
    return found
