"""Logs of any form read on Spark's workers: what each of them runs, and what the driver knows.

A source that is not plain lines is unpacked by one worker, which holds it: an archive of many
objects, none of them large, is what it is for. A plain file is split as Spark likes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline.apart import (
    NAMES,
    PLAIN,
    STRETCHES,
    Stretches,
    request_of,
    rows_apart,
)
from lumitrace.reassembly.pipeline.apart import TABLES as ODD_TABLES
from lumitrace.reassembly.pipeline.files import HEAD
from lumitrace.reassembly.pipeline.lines import (
    LINE_COLUMNS,
    PLATFORM_COLUMNS,
    Row,
    platform_rows,
    span_rows,
)
from lumitrace.reassembly.pipeline.load import STREAM_COLUMNS
from lumitrace.reassembly.pipeline.sources import Loaded, is_plain
from lumitrace.reassembly.pipeline.spark import Spark, schema_of
from lumitrace.reassembly.pipeline.spark_files import files_at, head_of, spelt
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.file import events_of_pieces, until_it_fails
from lumitrace.reassembly.sources.packed import pieces
from lumitrace.wire.span_line import MARK

if TYPE_CHECKING:
    from pyspark import RDD, Accumulator, SparkContext

Line = tuple[int, int, int | None, str]  # its place, the number of its stream, its time, its text
Stream = tuple[str, str]  # log group and name
_Told = tuple[int, list[str]]


def load(engine: Spark, paths: Sequence[str]) -> Loaded:
    """Load what *paths* stand for; its size is not known.

    Args:
        engine: where it is loaded.
        paths: files, folders and patterns, at any address that Spark knows.

    Raises:
        Problem: there is no such file.
    """
    context = engine.spark.sparkContext
    files = [file for path in dict.fromkeys(paths) for file in files_at(context, path)]
    if all(is_plain(head_of(context, file, HEAD)) for file in files):
        load_text(engine, files)
        return Loaded()
    return _load_packed(engine, files)


def load_text(engine: Spark, files: Sequence[str]) -> None:
    """Load plain log lines of *files*, a stream a file."""
    context = engine.spark.sparkContext
    texts = [context.textFile(spelt(path), 1).map(_Of(number)) for number, path in enumerate(files)]
    lines = context.union(texts).zipWithIndex().map(_placed)
    _load(engine, lines, [("", path) for path in files])


def _load_packed(engine: Spark, files: Sequence[str]) -> Loaded:
    """Load the events of *files* in whichever form."""
    context = engine.spark.sparkContext
    told = _telling(context)
    several = [
        context.binaryFiles(spelt(path), 1).flatMap(_Events(path, told.add)) for path in files
    ]
    events = context.union(several).zipWithIndex()
    first = events.map(_stream_at).reduceByKey(min).collect()
    skipped, problems = told.value
    loaded = Loaded(skipped=skipped, problems=[Problem(one) for one in sorted(set(problems))])
    streams = [stream for stream, _ in sorted(first, key=_second)]
    _load(engine, events.map(_Numbered(streams)), streams)
    return loaded


def _telling(context: "SparkContext") -> "Accumulator[_Told]":
    """Return what the workers tell the driver by: a number of pieces skipped, and sentences.

    Each reading of the files tells it again.
    """
    from pyspark.accumulators import AccumulatorParam  # noqa: PLC0415  # the engine is Spark's

    class Both(AccumulatorParam["_Told"]):  # type: ignore[misc]
        def zero(self, value: _Told) -> _Told:  # noqa: ARG002  # as Spark calls it
            return 0, []

        def addInPlace(self, value1: _Told, value2: _Told) -> _Told:  # noqa: N802  # as above
            return value1[0] + value2[0], [*value1[1], *value2[1]]

    return context.accumulator((0, []), Both())


def _load(engine: Spark, lines: "RDD[Line]", streams: Sequence[Stream]) -> None:
    """Load *lines* of *streams*, which have their places in that list."""
    _tables(
        engine, lines.mapPartitions(_read), {"lines": LINE_COLUMNS, "platform": PLATFORM_COLUMNS}
    )
    names = [(number, *stream) for number, stream in enumerate(streams)]
    engine.keep("streams", engine.spark.createDataFrame(names, schema_of(STREAM_COLUMNS)))

    def read(engine: Spark) -> None:
        stretches = Stretches(engine.rows(STRETCHES))
        if not stretches.spans:
            _tables(engine, None, ODD_TABLES)
            return
        names: dict[int, str] = dict(engine.rows(NAMES))
        plain: dict[int, set[str]] = {}
        for stream, request in engine.rows(PLAIN):
            plain.setdefault(stream, set()).add(request)
        odd = lines.mapPartitions(_Odd(stretches, plain))
        _tables(engine, odd.groupByKey().flatMap(_Apart(streams, names)), ODD_TABLES)

    engine.apart = read


def _tables(
    engine: Spark, rows: "RDD[tuple[str, Row]] | None", tables: dict[str, dict[str, str]]
) -> None:
    """Make each of *tables* of those *rows* that bear its name."""
    cached = rows.cache() if rows else None
    for name, columns in tables.items():
        of_table: Any = cached.filter(_In(name)).map(_second) if cached else []
        engine.keep(name, engine.spark.createDataFrame(of_table, schema_of(columns)))
    if cached:
        cached.unpersist()


class _Of:
    """Says of which stream a line is; goes to the workers."""

    def __init__(self, stream: int) -> None:
        self.stream = stream

    def __call__(self, message: str) -> tuple[int, str]:
        return self.stream, message


def _placed(numbered: tuple[tuple[int, str], int]) -> Line:
    (stream, message), place = numbered
    return place, stream, None, message


class _Events:
    """Unpacks a file; goes to the workers.

    Attributes:
        tell: is told how many pieces are no log event, and what cannot be read.
    """

    def __init__(self, path: str, tell: "Callable[[_Told], None]") -> None:
        self.path, self.tell = path, tell

    def __call__(self, file: tuple[str, bytes]) -> Iterator[tuple[Stream, int | None, str]]:
        counts, problems = Counts(), list[Problem]()
        packed = pieces(self.path, iter([file[1]]), counts)
        found = events_of_pieces(packed, self.path, counts, found=True)
        for events in until_it_fails(found, problems):
            for event in until_it_fails(events, problems):
                yield (event.group, event.stream), event.time_ms, event.message
        self.tell((counts.skipped, [problem.sentence for problem in problems]))


def _stream_at(numbered: tuple[tuple[Stream, int | None, str], int]) -> tuple[Stream, int]:
    (stream, _, _), place = numbered
    return stream, place


class _Numbered:
    """Says the number of an event's stream; goes to the workers."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.numbers = {stream: number for number, stream in enumerate(streams)}

    def __call__(self, numbered: tuple[tuple[Stream, int | None, str], int]) -> Line:
        (stream, time_ms, message), place = numbered
        return place, self.numbers[stream], time_ms, message


def _read(lines: Iterable[Line]) -> Iterator[tuple[str, Row]]:
    for place, stream, time_ms, message in lines:
        moment = place if time_ms is None else time_ms
        if MARK in message:
            for row in span_rows(message, place, stream, moment):
                yield "lines", row
        else:
            for row in platform_rows(message, stream, moment):
                yield "platform", row


class _In:
    """Tells the rows of one table; goes to the workers."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __call__(self, row: tuple[str, Any]) -> bool:
        return row[0] == self.table


def _second(row: tuple[Any, Any]) -> Any:
    return row[1]


class _Odd:
    """Picks the lines that are read apart; goes to the workers."""

    def __init__(self, stretches: Stretches, plain: dict[int, set[str]]) -> None:
        self.stretches, self.plain = stretches, plain

    def __call__(self, lines: Iterable[Line]) -> Iterator[tuple[int, tuple[int, int | None, str]]]:
        for place, stream, time_ms, message in lines:
            if self.stretches.which(stream, place if time_ms is None else time_ms) < 0:
                continue
            if request_of(message) not in self.plain.get(stream, ()):
                yield stream, (place, time_ms, message)


class _Apart:
    """Reads the odd lines of a stream; goes to the workers."""

    def __init__(self, streams: Sequence[Stream], names: dict[int, str]) -> None:
        self.streams, self.names = streams, names

    def __call__(
        self, group: tuple[int, Iterable[tuple[int, int | None, str]]]
    ) -> Iterator[tuple[str, Row]]:
        number, lines = group
        stream = self.streams[number]
        events = [LogEvent(*stream, time_ms, text, place) for place, time_ms, text in sorted(lines)]
        return rows_apart([events], {stream: number}, self.names)
