"""Counting the items of a table that bear a mark, and taking the marks off."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lumitrace.reassembly.items.size import item_size, write_units
from lumitrace.reassembly.items.table import Item, Page, Table
from lumitrace.reassembly.problem import Problem
from lumitrace.wire.mark import ATTRIBUTE, mark_ms, parse_mark, table_hash

PARTS = 10  # random segments of the table that make up a sample
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
MAX_SEGMENTS = 1_000_000
MAX_TRIES = 100 * PARTS  # segments may be empty

Progress = Callable[["Census"], None]


@dataclass
class Census:
    """What a scan found.

    Attributes:
        items: how many were looked at.
        marked: how many of them bear a mark of ours.
        elsewhere: of these, how many were written to another table or region: copies, replicas.
        others: items whose attribute of that name is not ours; they are left alone.
        oldest_ms, newest_ms: when marks were written, Unix milliseconds; 0 where there are none.
        units: write units that taking the marks off takes, without indexes and replicas.
        read_units: capacity that the scan took.
        whole: whether every item of the table was looked at.
        removed: marks taken off.
        changed: items that were written between the scan and the removal; they were left alone.
        spent_units: write units that the removals took.
        next_key: where the next run goes on, None for the beginning.
        stopped: what ended the run early, "" where nothing did.
    """

    items: int = 0
    marked: int = 0
    elsewhere: int = 0
    others: int = 0
    oldest_ms: int = 0
    newest_ms: int = 0
    units: int = 0
    read_units: float = 0.0
    whole: bool = False
    removed: int = 0
    changed: int = 0
    spent_units: float = 0.0
    next_key: Item | None = None
    stopped: str = ""

    def look(self, table: Table, item: Item) -> bool:
        """Count *item*; tell whether it bears a mark of ours."""
        self.items += 1
        if ATTRIBUTE not in item:
            return False
        text: Any = item[ATTRIBUTE].get("S")
        context = parse_mark(text)
        if context is None:
            self.others += 1
            return False
        self.marked += 1
        self.units += write_units(item_size(item))
        here = table_hash(table.facts.region, table.facts.name)
        self.elsewhere += not context.tables or context.tables[-1] != here
        ms = mark_ms(text)
        self.oldest_ms = min(self.oldest_ms or ms, ms)
        self.newest_ms = max(self.newest_ms, ms)
        return True


def count(table: Table, sample: int) -> Census:
    """Return a census of about *sample* items, of random segments; of the whole table for 0.

    Raises:
        Problem: DynamoDB refused.
    """
    census = Census()
    segments = 1 if sample == 0 else PARTS * table.facts.item_count // sample
    segments = max(1, min(segments, MAX_SEGMENTS))
    wanted = range(segments)
    for number in random.sample(wanted, min(segments, MAX_TRIES)):
        _count(census, table, (number, segments), sample)
        if 0 < sample <= census.items:
            return census
    census.whole = segments <= MAX_TRIES
    return census


def _count(census: Census, table: Table, segment: tuple[int, int], enough: int) -> None:
    for page in table.pages(segment=segment):
        census.read_units += page.read_units
        for item in page.items:
            census.look(table, item)
        if enough and census.items >= enough:
            return


def clean(
    table: Table, *, start: Item | None, apply: bool, rate: int, progress: Progress
) -> Census:
    """Take the marks off every item of *table*, or only count them where not to *apply*.

    What ends it early, an interrupt or a refusal, stands in ``stopped``; ``next_key`` then says
    where the next run goes on: at the page that was under way.

    Args:
        table: the table.
        start: where an earlier run ended, or None.
        apply: whether to write.
        rate: writes a second, at most.
        progress: is told after each page.
    """
    census = Census(next_key=start)
    began = time.monotonic()
    try:
        for page in table.pages(start):
            census.read_units += page.read_units
            _clean_page(census, table, page, rate if apply else 0, began)
            census.next_key = page.next_key
            progress(census)
        census.whole = start is None
    except KeyboardInterrupt:
        census.stopped = "interrupted"
    except Problem as problem:
        census.stopped = problem.sentence
    return census


def _clean_page(census: Census, table: Table, page: Page, rate: int, began: float) -> None:
    for item in page.items:
        if census.look(table, item) and rate:
            _wait(began, census.removed + census.changed, rate)
            units = table.remove_mark(item)
            if units is None:
                census.changed += 1
            else:
                census.removed += 1
                census.spent_units += units


def _wait(began: float, written: int, rate: int) -> None:
    early = began + written / rate - time.monotonic()
    if early > 0:
        time.sleep(early)
