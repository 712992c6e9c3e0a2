"""The statements of steps.sql as another engine spells them: a text to read and to adapt.

It was never run there. What sqlglot alone would get wrong is put right here:

- Trino, which Athena is, raises beyond the end of an array, where ``ELEMENT_AT`` answers NULL; and
  what sqlglot makes of ``UNNEST`` in a list of columns asks for a sequence from 1 to 0 where an
  array is empty, which raises too. A join with ``UNNEST`` does not.
  https://trino.io/docs/current/functions/array.html
- ClickHouse raises where a text is no number, unless it is asked with ``accurateCastOrNull``; an
  outer join fills with zeros and empty texts, unless ``join_use_nulls`` is set.
  https://clickhouse.com/docs/sql-reference/functions/type-conversion-functions
"""

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from lumitrace.reassembly.pipeline.apart import TABLES as APART
from lumitrace.reassembly.pipeline.lines import (
    LINE_COLUMNS,
    LISTS,
    NUMBER,
    PLATFORM_COLUMNS,
    TAGS,
    TEXT,
    TEXTS,
)
from lumitrace.reassembly.pipeline.steps import MAX_ROUNDS, Step, parts
from lumitrace.reassembly.problem import Problem

ATHENA, CLICKHOUSE = "athena", "clickhouse"
_BEFORE = {
    CLICKHOUSE: ["SET join_use_nulls = 1", "SET default_table_engine = 'Memory'"],
}
_TYPES = {TAGS: "MAP(VARCHAR, VARCHAR)"}
_STREAMS = {"stream_id": NUMBER, "log_group": TEXT, "log_stream": TEXT}
_INPUT = {"streams": _STREAMS, "lines": LINE_COLUMNS, "platform": PLATFORM_COLUMNS, **APART}
_CLICKHOUSE_TYPES = {
    TEXT: "Nullable(String)",
    NUMBER: "Nullable(Int64)",
    TEXTS: "Array(Nullable(String))",
    LISTS: "Array(Array(Nullable(String)))",
    TAGS: "Map(String, Nullable(String))",
}

# The order of `steps.Steps`, and what a driver has to decide.
_UNTIL = f"again until frontier is empty, {MAX_ROUNDS + 1} times at most"
_ORDER: Sequence[tuple[str, str]] = (
    ("frames", ""),
    ("odd", ""),
    ("drop", "only where dropped has rows"),
    ("invocations", ""),
    ("unlike", "only where unlike_handlers has rows"),
    ("handlers", ""),
    ("unfold", ""),
    ("once", "only where a span_id of listed or batched comes twice"),
    ("open", ""),
    ("details", ""),
    ("apart", "only where told_apart has rows"),
    ("told", ""),
    ("keys", ""),
    ("rows", ""),
    ("hops", ""),
    ("entries", ""),
    ("begin", ""),
    ("walk", _UNTIL),
    ("settle", ""),
    ("unreached", "where unreached has rows, go on with spread; else with fans"),
    ("spread", _UNTIL),
    ("rings", f"then begin, walk, settle and unreached again, {MAX_ROUNDS} times at most"),
    ("leftovers", "only where unreached still has rows; then begin, walk and settle"),
    ("fans", ""),
    ("figures", ""),
)


def printed(dialect: str) -> Iterator[str]:
    """Yield the lines of the whole text for *dialect*: athena, clickhouse or spark.

    Raises:
        Problem: sqlglot is not installed.
    """
    glot = _sqlglot()
    yield f"-- lumitrace assemble as {dialect} spells it, by sqlglot {glot.__version__}. Never run."
    yield "-- lines, platform and streams come of pipeline/lines.py, the tables odd_… of apart.py."
    yield ""
    for setting in _BEFORE.get(dialect, ()):
        yield f"{setting};"
    for table, columns in _INPUT.items():
        yield f"{_input(dialect, table, columns)};"
    text = resources.files(__package__).joinpath("steps.sql").read_text("utf-8")
    found = parts(text)
    for name, when in _ORDER:
        yield ""
        yield f"-- part {name}{': ' if when else ''}{when}"
        for step in found[name]:
            yield from (f"{statement};" for statement in _statements(dialect, step))


def translated(dialect: str, select: str) -> str:
    """Return *select*, DuckDB's spelling, as *dialect* spells it.

    Raises:
        Problem: sqlglot is not installed.
    """
    glot = _sqlglot()
    tree = glot.parse_one(select, read="duckdb").transform(_Right(glot.exp, dialect))
    if dialect == ATHENA:
        _unnest_by_joins(glot.exp, tree)
    level = glot.ErrorLevel.RAISE
    return str(tree.sql(dialect=dialect, unsupported_level=level, pretty=True))


class _Right:
    """Puts right what the dialect means otherwise."""

    def __init__(self, exp: Any, dialect: str) -> None:
        self.exp, self.dialect = exp, dialect

    def __call__(self, node: Any) -> Any:
        exp = self.exp
        if self.dialect == ATHENA and isinstance(node, exp.Bracket):
            [index] = node.expressions  # sqlglot counts from 0, whatever was read
            at = exp.Literal.number(int(index.name) + 1)
            return exp.Anonymous(this="ELEMENT_AT", expressions=[node.this, at])
        if self.dialect == CLICKHOUSE and isinstance(node, exp.TryCast):
            kind = exp.Literal.string("Int64")
            return exp.Anonymous(this="accurateCastOrNull", expressions=[node.this, kind])
        return node


def _unnest_by_joins(exp: Any, tree: Any) -> None:
    for number, select in enumerate(list(tree.find_all(exp.Select))):
        for column in select.expressions:
            if isinstance(column.this, (exp.Explode, exp.Unnest)):
                unnest = column.this
                arrays = unnest.expressions or [unnest.this]
                name = exp.to_identifier(column.alias)
                as_table = exp.TableAlias(this=exp.to_identifier(f"u{number}"), columns=[name])
                joined = exp.Unnest(expressions=[one.copy() for one in arrays], alias=as_table)
                column.replace(exp.column(name.copy(), table=f"u{number}"))
                select.join(joined, join_type="cross", copy=False)


def _input(dialect: str, table: str, columns: dict[str, str]) -> str:
    if dialect == CLICKHOUSE:
        own = ", ".join(f"{name} {_CLICKHOUSE_TYPES[kind]}" for name, kind in columns.items())
        return f"CREATE TABLE {table} ({own})"
    own = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in columns.items())
    made = _sqlglot().transpile(f"CREATE TABLE {table} ({own})", read="duckdb", write=dialect)[0]
    if dialect == ATHENA:
        made = made.replace("CREATE TABLE", "CREATE EXTERNAL TABLE", 1)
        made += f" STORED AS PARQUET LOCATION 's3://BUCKET/{table}/'"
    return str(made)


def _statements(dialect: str, step: Step) -> list[str]:
    select = translated(dialect, step.select)
    if step.verb == "add":
        return [f"INSERT INTO {step.table}\n{select}"]
    return [f"DROP TABLE IF EXISTS {step.table}", f"CREATE TABLE {step.table} AS\n{select}"]


def _sqlglot() -> Any:
    try:
        import sqlglot  # noqa: PLC0415  # the door of this room
    except ImportError:
        message = "--print needs sqlglot: pip install 'lumitrace[spark]'"
        raise Problem(message) from None
    return sqlglot
