"""The page of ``lumitrace setup check``."""

from typing import Any

from lumitrace.reassembly.cli.screen import Screen, one_line

ALL_GROUPS = "all log groups"


def show(screen: Screen, answer: dict[str, Any]) -> None:
    """Print what would take our lines, and what stands for each pattern instead."""
    _part(screen, "alarms that would count our lines", answer["alarms"])
    _part(screen, "metrics that would count our lines, without an alarm", answer["metrics"])
    _part(screen, "forwarders that would carry our lines", answer["forwarders"])
    if answer["volumeAlarms"]:
        names = ", ".join(map(one_line, answer["volumeAlarms"]))
        screen.line(("alarms on the volume of logs", "bold"))
        screen.line(f"  {names}: our lines count there, and cannot be left out")
        screen.line()
    if not any(answer[name] for name in ("alarms", "metrics", "forwarders", "volumeAlarms")):
        screen.line("no filter takes our lines")
    for sentence in answer["notChecked"]:
        screen.line(f"not checked  {one_line(sentence)}")
    screen.line(f"seen         {_seen(answer['seen'])}")


def _part(screen: Screen, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    screen.line((title, "bold"))
    for row in rows:
        place = f"of {row['logGroup']}" if row["kind"] != "account policy" else row["logGroup"]
        who = f"{', '.join(row['alarms'])}: " if row.get("alarms") else ""
        said = f"{who}{row['kind']} {row['name']} {place or ALL_GROUPS} → {row['target']}"
        screen.line(f"  {one_line(said)}")
        screen.line(f"    pattern  {one_line(row['pattern']) or '(everything)'}")
        screen.line(f"    takes    {', '.join(row['takes'])}")
        _instead(screen, row)
    screen.line()


def _instead(screen: Screen, row: dict[str, Any]) -> None:
    if not row["instead"]:
        screen.line("    instead  nothing found that leaves our lines out and keeps the others")
        return
    for number, pattern in enumerate(row["instead"]):
        screen.line(f"    {'instead ' if not number else 'and     '} {one_line(pattern)}")
    kept = (
        f"{row['keeps']} other lines are taken as before"
        if row["keeps"]
        else ("no other line to try it with")
    )
    lost = f"; not: {one_line(row['loses'][0])}" if row["loses"] else ""
    screen.line(f"             by TestMetricFilter: none of ours, {kept}{lost}")


def _seen(seen: dict[str, int]) -> str:
    elsewhere = seen["metricFiltersElsewhere"]
    beside = f" (and {elsewhere} of other log groups, left out)" if elsewhere else ""
    own = f"; lumitrace's own among them: {seen['own']}" if seen["own"] else ""
    return (
        f"log groups {seen['logGroups']}, alarms {seen['alarms']}, metric filters "
        f"{seen['metricFilters']}{beside}, subscription filters {seen['subscriptionFilters']}, "
        f"account policies {seen['accountPolicies']}{own}"
    )
