"""Why: what is broken, whom it hurts, what caused it, and what was seen."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.cause import Cause, Judged, find_causes, found_in
from lumitrace.reassembly.answers.impact import impact
from lumitrace.reassembly.answers.outcome import (
    FAILED,
    OK,
    PENDING,
    SHARED,
    UNFINISHED,
    outcome,
)
from lumitrace.reassembly.answers.provenance import suspect
from lumitrace.reassembly.answers.stack import virtual_stack
from lumitrace.reassembly.model import API_GATEWAY, LAMBDA, STEP_FUNCTIONS, Attempt
from lumitrace.reassembly.platform_line import TIMED_OUT
from lumitrace.reassembly.step_functions.task import names_none
from lumitrace.reassembly.transaction import Assembled

MINUTE_MS = 60_000
OTHER_CAUSES = 3
NOUNS = {LAMBDA: "invocations", STEP_FUNCTIONS: "executions", API_GATEWAY: "requests"}

# What is exact in an answer of a sample: CloudWatch counted it, or every failing trace was read.
EXACT = ["issue.lastMinute", "issue.all", "otherIssues.lastMinute", "otherIssues.all"]
EXACT_OF_FAILING = ["impact.lost", "impact.total", "impact.distinct", "cause.failing"]


def why(
    assembled: Assembled,
    *,
    id_tag: str = "",
    sum_tag: str = "",
    whole: Callable[[list[Attempt]], object] = lambda _: None,
) -> dict[str, Any]:
    """Return the answer; ``issue``, ``cause`` and ``stack`` are None where nothing failed.

    *whole* is called with attempts of which the stack tells more where all their lines are known.
    """
    judged = [(one, outcome(assembled, one)) for one in assembled.transactions]
    affected = [one for one in judged if one[1].state in {FAILED, SHARED, PENDING}]
    healthy = [one for one in judged if one[1].state in {OK, UNFINISHED}]
    causes = find_causes(assembled, affected, healthy)
    example = _example(affected, causes)
    function = _broken(assembled, causes)
    found = found_in(assembled, example, causes[0]) if example and causes else None
    if example:
        whole([one for one in example[0].attempts if _hung(one)])
    return {
        "issue": _issue(assembled, function) if function else None,
        "otherIssues": _others(assembled, function),
        "impact": impact(assembled, judged, id_tag, sum_tag),
        "cause": cause_row(causes[0], len(affected), len(healthy)) if causes else None,
        "otherCauses": [
            cause_row(cause, len(affected), len(healthy)) for cause in apart(causes)[:OTHER_CAUSES]
        ],
        "readFrom": suspect(assembled, [one for one, _ in affected], [one for one, _ in healthy]),
        "seen": _seen(assembled),
        "example": example[0].id if example else None,
        "stack": virtual_stack(assembled, *example, found) if example else None,
    }


def _hung(attempt: Attempt) -> bool:
    """Tell whether *attempt* may hold what Python's watchdog wrote."""
    return attempt.outcome is not None and attempt.outcome.type == TIMED_OUT


def _example(affected: list[Judged], causes: list[Cause]) -> Judged | None:
    """Return the latest failing transaction that has the first cause, one that is lost if any."""
    fitting = set(causes[0].failing) if causes else set()
    found = [one for one in affected if one[0].id in fitting] or affected
    return max(
        found,
        key=lambda one: (one[1].state == FAILED, describe.span_of_time(one[0])[0], one[0].id),
        default=None,
    )


def _broken(assembled: Assembled, causes: list[Cause]) -> str:
    if causes:
        return causes[0].signature[0]
    failed = _failing_functions(assembled)
    return max(sorted(failed), key=lambda name: failed[name], default="")


def _issue(assembled: Assembled, function: str) -> dict[str, Any]:
    own = [one for one in assembled.attempts if one.runner == function]
    recent = [one for one in own if one.end_ms > assembled.last_ms - MINUTE_MS]
    failed = [one for one in own if one.failed]
    since_ms = min((one.start_ms for one in failed), default=0)
    noun = NOUNS[own[0].service] if own else NOUNS[LAMBDA]
    counted = assembled.counted
    if counted is not None and noun == NOUNS[LAMBDA]:
        first_ms = counted.since_ms(function)
        return {
            "function": function,
            "noun": noun,
            **counted.rates(function, assembled.last_ms),
            "sinceMs": min(since_ms or first_ms, first_ms or since_ms),
        }
    return {
        "function": function,
        "noun": noun,
        "lastMinute": {"failed": _failed(recent), "invocations": len(recent)},
        "all": {"failed": len(failed), "invocations": len(own)},
        "sinceMs": since_ms,
    }


def _failed(attempts: list[Attempt]) -> int:
    return sum(one.failed for one in attempts)


def _failing_functions(assembled: Assembled) -> dict[str, int]:
    failed = [one for one in assembled.attempts if one.failed]
    if assembled.counted is None:
        return Counter(one.runner for one in failed)
    others = Counter(one.runner for one in failed if one.service != LAMBDA)
    return assembled.counted.failing_functions() | others


def _others(assembled: Assembled, function: str) -> list[dict[str, Any]]:
    failed = _failing_functions(assembled)
    names = sorted(failed, key=lambda name: failed[name], reverse=True)
    return [_issue(assembled, name) for name in names if name != function]


def cause_row(cause: Cause, failing: int, healthy: int) -> dict[str, Any]:
    """Return *cause* as the answer tells it, among so many transactions."""
    function, service, name, label, pattern = cause.signature
    return {
        "function": function,
        "service": service,
        "call": name,
        "type": label,
        "message": next(iter(cause.messages)) if len(cause.messages) == 1 else pattern,
        "failing": {"having": len(cause.failing), "of": failing},
        "healthy": {"having": len(cause.healthy), "of": healthy},
        "firstSeenUs": cause.first_us,
        "stopped": cause.stopped,
    }


def apart(causes: list[Cause]) -> list[Cause]:
    """Return causes of what the better ones before them do not explain."""
    explained: set[str] = set()
    found = []
    for cause in causes:
        if not explained.issuperset(cause.failing):
            found.append(cause)
            explained.update(cause.failing)
    return found[1:]


def _seen(assembled: Assembled) -> dict[str, Any]:
    counts = assembled.counts
    invocations = [one for one in assembled.attempts if one.service == LAMBDA]
    functions = {one.function for one in invocations}
    writing = {one.function for one in invocations if one.objects}
    executions = [one for one in assembled.attempts if one.service == STEP_FUNCTIONS]
    return {
        "invocations": len(invocations),
        "executions": len(executions),
        "unnamedTasks": sum(names_none(span) for one in executions for span in one.spans),
        "requests": sum(one.service == API_GATEWAY for one in assembled.attempts),
        "functions": len(functions),
        "toldInSums": sum(one.thinned for one in assembled.attempts),
        "withoutSpanLines": sorted(functions - writing),
        "logEvents": counts.events,
        "spanLines": counts.span_lines,
        "broken": counts.broken,
        "untrusted": counts.untrusted,
        "conflicting": counts.conflicting,
        "unplaced": counts.unplaced,
        "unjoined": counts.unjoined,
        "skipped": counts.skipped,
        "dropped": counts.dropped,
        "health": counts.health,
        "firstMs": assembled.first_ms,
        "lastMs": assembled.last_ms,
        "coverage": "unknown",
        "incomplete": assembled.incomplete,
        "cut": sum(one.cut for one in assembled.transactions),
        "sample": _sample(assembled),
    }


def _sample(assembled: Assembled) -> dict[str, Any] | None:
    """Return which lines were read where CloudWatch counted the rest; None where all were."""
    counted = assembled.counted
    if counted is None or not counted.is_sample:
        return None
    return {
        "invocations": counted.invocations,
        "functions": len(counted.functions),
        "failingTraces": {"read": counted.failing_read, "of": counted.failing_of},
        "healthyShare": counted.healthy_share,
        "exact": [*EXACT, *(EXACT_OF_FAILING if counted.all_failing else [])],
    }
