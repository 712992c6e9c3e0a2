"""``lumitrace dynamodb marks`` and ``clean``, printed."""

from typing import Any

from lumitrace.reassembly.cli.screen import Screen, date, percent, plural
from lumitrace.reassembly.items.marks import Census
from lumitrace.reassembly.items.table import Facts


def answer(facts: Facts, census: Census, *, cleaned: bool) -> dict[str, Any]:
    """Return what is known of the table and its marks, as JSON has it."""
    return {
        "table": facts.name,
        "region": facts.region,
        "itemCount": facts.item_count,
        "hasStream": facts.has_stream,
        "replicas": facts.replicas,
        "indexes": facts.indexes,
        "whole": census.whole,
        "items": census.items,
        "marked": census.marked,
        "elsewhere": census.elsewhere,
        "others": census.others,
        "oldestMs": census.oldest_ms,
        "newestMs": census.newest_ms,
        "writeUnits": census.units,
        "readUnits": census.read_units,
        "applied": cleaned,
        "removed": census.removed,
        "changed": census.changed,
        "spentWriteUnits": census.spent_units,
    }


def show_count(screen: Screen, told: dict[str, Any]) -> None:
    """Print how many items bear a mark."""
    _head(screen, told)
    if not told["whole"] and told["items"] and told["itemCount"]:
        about = round(told["itemCount"] * told["marked"] / told["items"])
        screen.line(
            ("in all   ", "bold"),
            f"about {about:,} of {told['itemCount']:,} items (DynamoDB's own count, hours old); "
            "--all looks at every one",
        )
    _tail(screen, told)


def show_clean(screen: Screen, told: dict[str, Any], *, apply: bool, rate: int) -> None:
    """Print what was cleaned, or what would be."""
    _head(screen, told)
    if apply:
        changed = told["changed"]
        later = f"; {plural(changed, 'item')} changed meanwhile and left alone" if changed else ""
        screen.line(("cleaned  ", "bold"), f"{plural(told['removed'], 'item')}{later}")
        screen.line(("cost     ", "bold"), _cost(told, told["removed"], told["spentWriteUnits"]))
    elif told["marked"]:
        marked = told["marked"]
        screen.line(
            ("would do ", "bold"), f"{plural(marked, 'write')}, about {_lasts(marked, rate)}"
        )
        screen.line(("cost     ", "bold"), _cost(told, marked, told["writeUnits"]))
        screen.line("Nothing was changed. Set LUMITRACE_DYNAMODB=strip first, then --apply.")
    _tail(screen, told)


def _head(screen: Screen, told: dict[str, Any]) -> None:
    share = percent(told["marked"], told["items"])
    screen.line(
        ("marks    ", "bold"),
        f"{told['marked']:,} of {plural(told['items'], 'item')} looked at in {told['table']} "
        f"bear one ({share})",
    )
    if told["marked"]:
        oldest, newest = date(told["oldestMs"] * 1000), date(told["newestMs"] * 1000)
        screen.line(("written  ", "bold"), f"{oldest} to {newest} UTC")
    if told["elsewhere"]:
        said = f"{told['elsewhere']:,} were written to another table or region: copies, replicas"
        screen.line(("of these ", "bold"), said)
    if told["others"]:
        said = f"{told['others']:,} have an attribute _lumitrace that is not ours; left alone"
        screen.line(("others   ", "bold"), said)


def _cost(told: dict[str, Any], writes: int, units: float) -> str:
    parts = [f"{units:,.0f} write units"]
    if told["indexes"]:
        parts.append("as many again for each of these indexes: " + ", ".join(told["indexes"]))
    if told["replicas"]:
        parts.append(f"and in {', '.join(told['replicas'])}")
    if told["hasStream"]:
        parts.append(f"{plural(writes, 'stream record')} that call whoever reads the stream")
    return "; ".join(parts)


def _lasts(writes: int, rate: int) -> str:
    seconds = writes / rate
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _tail(screen: Screen, told: dict[str, Any]) -> None:
    screen.line((f"the scan took {told['readUnits']:,.1f} read units", "dim"))
    if told["stopped"]:
        screen.line((f"stopped: {told['stopped']}", "red"))
        screen.line(f"go on:  {told['goOn']}")
