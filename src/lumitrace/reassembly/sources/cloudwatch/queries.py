"""The texts of our queries, in Logs Insights QL.

Only in log groups of the class Standard does CloudWatch discover the fields of a JSON line, and
index ``traceId``; elsewhere the same fields are parsed out of the text first.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import re
from collections.abc import Iterable

from lumitrace.wire.span_line import MARK, SEVERITY_ERROR

STANDARD, INFREQUENT = "STANDARD", "INFREQUENT_ACCESS"
IDS = 250  # named in one query: 10,000 characters are the limit of its text, 36 an id
DIGITS = "0123456789abcdef"

_ID = re.compile(r"[\w-]{1,64}\Z")
_QUOTING = re.compile(r'["\\\x00-\x1f]')  # what would end a text within a query
_PARSED = ("record", "traceId", "requestId", "name", "severityText")
_LINES = "fields @timestamp, @log, @logStream, @message"

# What Lambda writes where a function died: a timeout, a report with a status, an exit, what the
# runtime could not do, and the same in the JSON log format.
_DIED = (
    r"Task timed out after|Status: (timeout|error)|Error: Runtime"
    r'|"status":"(timeout|error|failure)"|\[ERROR\] Runtime\.|"errorType": ?"Runtime\.'
)


def _ours(kind: str) -> list[str]:
    if kind == STANDARD:
        return ["filter lumitrace = 1"]
    parse = [f"""parse @message '"{name}":"*"' as {name}""" for name in _PARSED]
    return [f"filter @message like '{MARK}'", *parse]


def counts(kind: str, unit: str) -> str:
    """Return the query for how many invocations began and ended, by function and minute.

    A trace that is not sampled has one line an invocation; it says ``"detail":false``.
    """
    by = f"by name, record, severityText, bin({unit})"
    return "\n| ".join(
        [
            *_ours(kind),
            'filter record in ["start", "invocation"]',
            "fields strcontains(@message, '\"detail\":false') as alone",
            f"stats count(*) as lines, sum(alone) as alones {by}",
        ]
    )


def failing(kind: str) -> str:
    """Return the query for the traces in which something failed, the latest first."""
    return "\n| ".join(
        [*_ours(kind), f'filter severityText = "{SEVERITY_ERROR}"', *_traces()],
    )


def of_requests(kind: str, requests: Iterable[str]) -> str:
    """Return the query for the traces that the invocations *requests* belong to."""
    return "\n| ".join([*_ours(kind), f"filter requestId in {_list(requests)}", *_traces()])


def died(_: str) -> str:
    """Return the query for what Lambda wrote of functions that died."""
    return f"filter @message like /{_DIED}/\n| {_LINES}\n| sort @timestamp desc"


def of_traces(kind: str, traces: Iterable[str]) -> str:
    """Return the query for all our lines of *traces*."""
    return _sorted(kind, f"filter traceId in {_list(traces)}")


def sample(kind: str, begins: str) -> str:
    """Return the query for all our lines of the traces whose ids begin so."""
    return _sorted(kind, f"filter traceId like /^{begins}/")


def can_be_quoted(name: str) -> bool:
    """Tell whether *name* can stand within a query."""
    return not _QUOTING.search(name)


def of_streams(streams: Iterable[str]) -> str:
    """Return the query for all lines of log *streams*, each of which ``can_be_quoted``."""
    quoted = ", ".join(f'"{one}"' for one in streams)
    return f"filter @logStream in [{quoted}]\n| {_LINES}\n| sort @timestamp asc"


def everything(kind: str) -> str:
    """Return the query for all our lines."""
    return _sorted(kind, "")


def _sorted(kind: str, condition: str) -> str:
    own = [condition] if condition else []
    return "\n| ".join([*_ours(kind), *own, _LINES, "sort @timestamp asc"])


def _traces() -> list[str]:
    return ["stats count(*) as lines, max(@timestamp) as latest by traceId", "sort latest desc"]


def _list(ids: Iterable[str]) -> str:
    """Return *ids* as a list; what is no id is left out: strangers may have written it."""
    return f"[{', '.join(f'{chr(34)}{one}{chr(34)}' for one in ids if _ID.match(one))}]"


def share(wanted: float) -> tuple[str, float]:
    """Return what the ids of about that share of all traces begin with, and the exact share."""
    begins, unit = "", 1.0
    while unit / len(DIGITS) > wanted and len(begins) < len("[0]") * 6:
        begins += "[0]"
        unit /= len(DIGITS)
    digits = max(1, round(wanted / unit * len(DIGITS)))
    return f"{begins}[{DIGITS[:digits]}]", unit * min(digits, len(DIGITS)) / len(DIGITS)
