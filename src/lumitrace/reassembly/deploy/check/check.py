"""The check: filters, alarms and forwarders of an account, beside what they make of our lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.deploy.check import found
from lumitrace.reassembly.deploy.check.found import Filter
from lumitrace.reassembly.deploy.check.judge import Judge
from lumitrace.reassembly.deploy.setup import alarm, archive
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.logs import CloudWatch

T = TypeVar("T")
OWN = {archive.PATTERN, alarm.FAILED}  # filters that are meant for our lines


def check(account: Account, names: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Return what would take our lines in the log groups *names*, where a ``*`` is any text.

    Raises:
        Problem: there is no such log group, or none can be listed.
    """
    cloudwatch = CloudWatch(account)
    logs = cloudwatch.aws
    groups = sorted({group for name in names for group, _ in cloudwatch.groups(name)})
    told: list[str] = []
    say(f"{len(groups)} log groups")
    counting = list(_all(found.metric_filters(logs), told))
    carrying = list(_all(found.subscriptions(logs, groups), told))
    carrying += _all(found.policies(logs), told)
    alarms = list(_all(found.alarms(account), told))
    here = [one for one in counting if one.group in groups]
    judged = _judged(Judge(logs), [*here, *carrying], told, say)
    by_metric: dict[str, list[str]] = {}
    for one in alarms:
        for metric in one.metrics:
            by_metric.setdefault(metric, []).append(one.name)
    metrics = [
        {**row, "alarms": sorted(by_metric.get(row["target"], []))}
        for row in judged
        if row["kind"] == found.METRIC_FILTER
    ]
    volume = sorted(
        one.name for one in alarms if {f"AWS/Logs/{name}" for name in found.VOLUME} & one.metrics
    )
    return {
        "alarms": [row for row in metrics if row["alarms"]],
        "metrics": [row for row in metrics if not row["alarms"]],
        "forwarders": [row for row in judged if row["kind"] != found.METRIC_FILTER],
        "volumeAlarms": volume,
        "seen": {
            "logGroups": len(groups),
            "metricFilters": len(here),
            "metricFiltersElsewhere": len(counting) - len(here),
            "subscriptionFilters": sum(one.kind == found.SUBSCRIPTION for one in carrying),
            "accountPolicies": sum(one.kind == found.POLICY for one in carrying),
            "alarms": len(alarms),
            "own": sum(one.pattern in OWN for one in [*here, *carrying]),
        },
        "notChecked": told,
    }


def _all(things: Iterable[T], told: list[str]) -> Iterator[T]:
    """Yield *things* as far as they can be read; what could not is *told*."""
    try:
        yield from things
    except Problem as problem:
        told.append(problem.sentence)


def _judged(
    judge: Judge, filters: Sequence[Filter], told: list[str], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return those of *filters* that take our lines, each with what it could be instead."""
    rows = []
    for number, one in enumerate(filters):
        if one.pattern in OWN:
            continue
        if one.seen:
            told.append(f"the {one.kind} {one.name} of {one.group}: {one.seen}")
            continue
        say(f"{number + 1} of {len(filters)} filters")
        try:
            verdict = judge.verdict(one.pattern)
        except Problem as problem:
            told.append(f"the {one.kind} {one.name} of {one.group}: {problem.sentence}")
            if problem.denied:
                break
            continue
        if verdict.counts:
            rows.append(
                {
                    "kind": one.kind,
                    "name": one.name,
                    "logGroup": one.group,
                    "pattern": one.pattern,
                    "target": one.target,
                    "takes": list(verdict.counts),
                    "instead": list(verdict.instead),
                    "keeps": verdict.kept,
                    "loses": list(verdict.lost),
                }
            )
    return rows
