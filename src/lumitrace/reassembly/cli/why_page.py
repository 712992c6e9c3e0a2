"""``lumitrace why``, printed."""

from typing import Any

from lumitrace.reassembly.answers.describe import SHORT_ID
from lumitrace.reassembly.answers.tag_choice import noun
from lumitrace.reassembly.cli import stack_page
from lumitrace.reassembly.cli.screen import (
    Screen,
    clock,
    date,
    one_line,
    percent,
    plural,
    total,
)

IDS = 5  # named in the answer; --json names them all
_LABEL = 9  # columns


def show(screen: Screen, answer: dict[str, Any], source: str) -> None:
    """Print the answer; *source* are the arguments that name the logs again."""
    issue, cause = answer["issue"], answer["cause"]
    if issue is None:
        ended = plural(answer["impact"]["transactions"], "transaction")
        _row(screen, "issue", f"nothing failed in {ended}")
        _seen(screen, answer["seen"])
        return
    _issue(screen, answer)
    _impact(screen, answer["impact"])
    if cause:
        _cause(screen, cause)
    for other in answer["otherCauses"]:
        _row(screen, "also", f"{_cause_name(other)}  {_shares(other)}")
    if answer["readFrom"]:
        _read_from(screen, answer["readFrom"])
    _seen(screen, answer["seen"])
    if answer["stack"]:
        screen.line()
        stack_page.show(screen, answer["stack"])
        screen.line()
        example = answer["example"][:SHORT_ID]
        screen.line("look further:  ", (f"lumitrace show {example} {source}".rstrip(), "cyan"))
        screen.line("all of them:   ", (f"lumitrace transactions --failed {source}", "cyan"))


def _row(screen: Screen, label: str, *parts: str | tuple[str, str]) -> None:
    screen.line((f"{label:{_LABEL}}", "bold"), *parts, hang=_LABEL)


def _issue(screen: Screen, answer: dict[str, Any]) -> None:
    issue = answer["issue"]
    _row(screen, "issue", (issue["function"], "bold red"), f"   {_rates(issue)}")
    for other in answer["otherIssues"][:IDS]:
        _row(screen, "", other["function"], f"   {_rates(other)}")


def _rates(issue: dict[str, Any]) -> str:
    recent, every = issue["lastMinute"], issue["all"]
    if every["failed"] > every["invocations"]:  # Lambda told of deaths alone
        told = f"{every['failed']:,} {issue['noun']} failed, of how many is not known"
        return f"{told}   since {clock(issue['sinceMs'] * 1000)}"
    told = (
        f"{recent['failed']:,} of {recent['invocations']:,} {issue['noun']} failed "
        "in the last minute"
    )
    told += f" ({percent(recent['failed'], recent['invocations'])})"
    if recent != every:
        told += f", {every['failed']:,} of {every['invocations']:,} in all"
    return f"{told}   since {clock(issue['sinceMs'] * 1000)}"


def _impact(screen: Screen, impact: dict[str, Any]) -> None:
    called = impact["noun"]
    parts = [f"{plural(impact['lost'], called)} lost"]
    if impact["total"] is not None:
        parts.append(f"{impact['sumTag']} {total(impact['total'])}")
        if impact["withoutTotal"]:
            parts.append(f"{impact['withoutTotal']:,} without a {impact['sumTag']}")
    parts += [plural(count, noun(name)) for name, count in impact["distinct"].items()]
    told = ", ".join(parts)
    apart = [
        f"{impact[state]:,} {state}"
        for state in ("pending", "recovered", "shared")
        if impact[state]
    ]
    _row(screen, "impact", f"{told}; {', '.join(apart)}" if apart else told)
    unknown = impact["withoutSpanLines"]
    if unknown:
        told = f"of {unknown:,} of them no span line was read: whose they were is not known"
        _row(screen, "", (told, "yellow"))
    ids = impact["ids"]
    if ids:
        more = f" and {len(ids) - IDS:,} more (--json lists all)" if len(ids) > IDS else ""
        _row(screen, "", (f"{impact['idTag']}: {', '.join(map(one_line, ids[:IDS]))}{more}", "dim"))


def _cause(screen: Screen, cause: dict[str, Any]) -> None:
    _row(screen, "cause", (_cause_name(cause), "bold"))
    if cause["message"]:
        _row(screen, "", f'"{one_line(cause["message"])}"')
    if cause["stopped"]:
        _row(screen, "", f"it stopped {cause['stopped']}")
    _row(screen, "", f"{_shares(cause)}; first seen {clock(cause['firstSeenUs'])}")


def _cause_name(cause: dict[str, Any]) -> str:
    call = " ".join(word for word in (cause["service"], cause["call"]) if word)
    return " > ".join(one_line(part) for part in (cause["function"], call, cause["type"]) if part)


def _shares(cause: dict[str, Any]) -> str:
    failing, healthy = cause["failing"], cause["healthy"]
    told = f"in {percent(failing['having'], failing['of'])} of failing transactions"
    if not healthy["of"]:
        return f"{told}; no healthy ones to compare with"
    return f"{told}, in {percent(healthy['having'], healthy['of'])} of healthy ones"


def _read_from(screen: Screen, writer: dict[str, Any]) -> None:
    release = f", release {writer['release']}" if writer["release"] else ""
    _row(screen, "read", f"items last written by {writer['function']}{release}: {writer['call']}")
    _row(screen, "", _shares(writer))


def _seen(screen: Screen, seen: dict[str, Any]) -> None:
    sample = seen["sample"]
    counts = sample or seen
    functions = plural(counts["functions"], "function")
    told = [
        f"{plural(counts['invocations'], 'invocation')} of {functions}",
        *(plural(seen[f"{noun}s"], noun) for noun in ("execution", "request") if seen[f"{noun}s"]),
        f"{date(seen['firstMs'] * 1000)} to {clock(seen['lastMs'] * 1000)} UTC",
        _coverage(seen["coverage"]),
    ]
    if seen["toldInSums"]:
        told.append(f"{seen['toldInSums']:,} told in sums (LUMITRACE_SAMPLE)")
    told += [f"asked {name} {seen[name]}" for name in ("since", "until") if seen[name]]
    unusable = ("broken", "untrusted", "conflicting", "unplaced", "unjoined", "skipped", "dropped")
    told += [f"{seen[name]:,} {name}" for name in unusable if seen[name]]
    if seen["cut"]:
        told.append(f"{plural(seen['cut'], 'transaction')} cut")
    _row(screen, "seen", "; ".join(told))
    if sample:
        _row(screen, "", (_sample(sample, seen["invocations"]), "yellow"))
    if seen["unnamedTasks"]:
        tasks = plural(seen["unnamedTasks"], "task")
        _row(screen, "", (f"the history names no request: {tasks} not joined", "yellow"))
    silent = seen["withoutSpanLines"]
    if silent:
        verb = "function writes" if len(silent) == 1 else "functions write"
        _row(screen, "", f"{len(silent)} {verb} no span lines: {', '.join(silent[:IDS])}")
    for said in seen["health"][:IDS]:
        _row(screen, "", ("health: " + one_line(said), "yellow"))
    for sentence in seen["incomplete"]:
        _row(screen, "", ("not read: " + one_line(sentence), "yellow"))


def _coverage(coverage: Any) -> str:
    if not isinstance(coverage, dict):
        return "coverage unknown"
    told = f"seen {coverage['seen']:,} of {coverage['counted']:,} invocations that AWS counted"
    hours = coverage.get("hours")  # of a store, which may lack some
    if hours and hours["compared"] < hours["of"]:
        told += f" in {hours['compared']:,} of {hours['of']:,} hours"
    lost = [
        f"{coverage[name]:,} {what}"
        for name, what in (("throttled", "throttled"), ("dropped", "events dropped"))
        if coverage[name]
    ]
    return f"{told}; {', '.join(lost)} before any code ran" if lost else told


def _sample(sample: dict[str, Any], read: int) -> str:
    failing, share = sample["failingTraces"], sample["healthyShare"]
    what = f"all {failing['of']:,}"
    impact = ""
    if failing["read"] < failing["of"]:
        what = f"the latest {failing['read']:,} of {failing['of']:,}"
        impact = "impact is of these, so at least that; "
    part = percent(round(share * 10_000), 10_000)
    return (
        f"read {read:,} of them: {what} failing traces, and {part} of the others; "
        f"rates are counted by CloudWatch; {impact}what is said of healthy transactions "
        "is of that sample"
    )
