"""Logs Insights, for exactly the queries that are sent.

A command that is not in ``_COMMANDS`` is refused as malformed, although AWS may take it: what is
not sent is not played.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

import json
import re
from collections import defaultdict
from datetime import datetime, timezone

from tests.cloudwatch import limits

ACCOUNT = "123456789012"
_LIST = r'\["[\w-]+"(?:, "[\w-]+")*\]'
_CONDITIONS = {
    "ours": re.compile(r"lumitrace = 1"),
    "mark": re.compile(r"@message like '(\{\"lumitrace\":1,)'"),
    "record": re.compile(r'record in (\["start", "invocation"\])'),
    "failed": re.compile(r'severityText = "(E)"'),
    "listed": re.compile(rf"(traceId|requestId) in ({_LIST})"),
    "streams": re.compile(r'@logStream in (\["[^":*]+"(?:, "[^":*]+")*\])'),
    "begins": re.compile(r"traceId like /\^(\[[0-9a-f]+\](?:\[[0-9a-f]+\])*|[0-9a-f]+)/"),
    "text": re.compile(r"@message like /(.+)/"),
}
_COMMANDS = {
    "filter": re.compile(r"filter (.+)"),
    "parse": re.compile(
        r"""parse @message '"(record|traceId|requestId|name|severityText)":"\*"' as (\w+)"""
    ),
    "alone": re.compile(r"fields strcontains\(@message, '(\"detail\":false)'\) as alone"),
    "lines": re.compile(r"fields @timestamp, @log, @logStream, @message"),
    "counts": re.compile(
        r"stats count\(\*\) as lines, sum\(alone\) as alones"
        r" by name, record, severityText, (bin\((1m|1h)\))"
    ),
    "traces": re.compile(r"stats count\(\*\) as lines, max\(@timestamp\) as latest by traceId"),
    "sort": re.compile(r"sort (latest|@timestamp) (asc|desc)"),
    "limit": re.compile(r"limit (\d+)"),
}
_EQUAL = {
    "ours": ("lumitrace", {1}),
    "record": ("record", {"start", "invocation"}),
    "failed": ("severityText", {"E"}),
}


class Malformed(ValueError):  # noqa: N818  # it is an answer
    """No query that is played."""


class Query:
    """One query: what it asks, and its answer once it has run.

    Attributes:
        polls: how many times more it is found running.
    """

    def __init__(self, text, kinds, since_s, until_s, limit=None):
        self.kind = kinds[0] if kinds else limits.STANDARD
        self.since_ms, self.until_ms = since_s * 1000, until_s * 1000
        self.conditions, self.parsed, self.shape, self.order = [], {}, "", None
        self.bin_ms, self.bin_name = 60_000, "bin(1m)"
        self.limit = limits.QUERY_ROWS_UNSAID
        for command in text.split("\n| "):
            self._read(command)
        if limit is not None:
            self.limit = limit
        if not self.shape or not 1 <= self.limit <= limits.QUERY_ROWS:
            raise Malformed(text)
        self.rows, self.statistics, self.polls, self.status = [], {}, 1, "Complete"

    def _read(self, command):
        word = command.split(" ", 1)[0]
        tried = ((name, pattern.fullmatch(command)) for name, pattern in _COMMANDS.items())
        name, found = next(((name, found) for name, found in tried if found), ("", None))
        if found is None:
            raise Malformed(command)
        if name == "filter":
            self.conditions += [_condition(one) for one in found[1].split(" and ")]
        elif name == "parse":
            if found[1] != found[2]:
                raise Malformed(command)
            self.parsed[found[2]] = re.compile(f'"{found[1]}":"(.*?)"')
        elif name == "sort":
            self.order = found[1], found[2] == "desc"
        elif name == "limit":
            self.limit = int(found[1])
        elif word == "stats" or name == "lines":
            self.shape = name
            if name == "counts":
                self.bin_name = found[1]
                self.bin_ms = 60_000 if found[2] == "1m" else 3_600_000

    def field(self, event, name):
        """Return a field as the class of the log group knows it, or None."""
        if self.kind in limits.DISCOVERS_FIELDS:
            return event.fields.get(name)
        found = self.parsed[name].search(event.message) if name in self.parsed else None
        return found[1] if found else None

    def matches(self, event):
        """Tell whether *event* passes all filters."""
        return all(self._passes(event, *one) for one in self.conditions)

    def _passes(self, event, name, *said):
        if name == "mark":
            return event.contains(said[0])
        if name in _EQUAL:
            field, values = _EQUAL[name]
            return self.field(event, field) in values
        if name == "streams":
            return event.stream in said[0]
        if name == "listed":
            return self.field(event, said[0]) in said[1]
        if name == "begins":
            return said[0].match(self.field(event, "traceId") or "") is not None
        return said[0].search(event.message) is not None

    def run(self, data, names):
        """Read *data* and hold the answer."""
        wanted = {one[1]: one[2] for one in self.conditions if one[0] == "listed"}
        begins = [one[1] for one in self.conditions if one[0] == "begins"]
        hint = wanted.get("traceId") or (begins[0] if begins else None)
        failed = any(one[0] == "failed" for one in self.conditions)
        text = any(one[0] == "text" for one in self.conditions)
        if text and hasattr(data, "died"):
            events = data.died
        elif self.shape == "counts" and hasattr(data, "counts"):
            self._counted(data, names)
            return
        else:
            events = data.scan(names, self.since_ms, self.until_ms, hint, failed=failed)
        found = [event for event in events if self.matches(event)]
        scanned, events = data.bytes(names, self.since_ms, self.until_ms)
        skipped = 0
        streams = any(one[0] == "streams" for one in self.conditions)
        index = {"traceId"} & set(wanted) | ({"@logStream"} if streams else set())
        if index & limits.INDEXED.get(self.kind, set()):
            scanned, skipped = sum(event.size for event in found), scanned
        self.statistics = {
            "recordsMatched": float(len(found)),
            "recordsScanned": float(events),
            "bytesScanned": float(scanned),
            "estimatedBytesSkipped": float(max(0, skipped - scanned)),
            "logGroupsScanned": float(len(names)),
        }
        self.rows = getattr(self, f"_{self.shape}")(found)[: self.limit]

    def _lines(self, found):
        backwards = self.order is None or self.order[1]
        found.sort(key=lambda event: event.ms, reverse=backwards)
        return [
            {
                "@timestamp": _stamp(event.ms),
                "@log": f"{ACCOUNT}:{event.group}",
                "@logStream": event.stream,
                "@message": event.message,
                "@ptr": f"{event.group}|{event.stream}|{event.ms}|{hash(event.message):x}",
            }
            for event in found
        ]

    def _counts(self, found):
        counts = defaultdict(lambda: [0, 0])
        for event in found:
            bin_ms = event.ms - event.ms % self.bin_ms
            names = tuple(self.field(event, name) for name in ("name", "record", "severityText"))
            count = counts[(*names, bin_ms)]
            count[0] += 1
            count[1] += event.contains('"detail":false')
        rows = []
        for (*names, bin_ms), (lines, alones) in counts.items():
            named = zip(("name", "record", "severityText"), names, strict=True)
            row = {name: value for name, value in named if value is not None}
            rows.append(
                {**row, self.bin_name: _stamp(bin_ms), "lines": str(lines), "alones": str(alones)}
            )
        return rows

    def _counted(self, data, names):
        """Answer from what *data* has counted beforehand."""
        scanned, events = data.bytes(names, self.since_ms, self.until_ms)
        found = data.counts(names, self.since_ms, self.until_ms, self.bin_ms)
        self.statistics = {
            "recordsMatched": float(sum(found.values())),
            "recordsScanned": float(events),
            "bytesScanned": float(scanned),
        }
        for (*named, bin_ms), lines in found.items():
            pairs = zip(("name", "record", "severityText"), named, strict=True)
            row = {name: value for name, value in pairs if value is not None}
            told = {self.bin_name: _stamp(bin_ms), "lines": str(lines), "alones": "0"}
            self.rows.append({**row, **told})

    def _traces(self, found):
        traces = defaultdict(lambda: [0, 0])
        for event in found:
            trace = traces[self.field(event, "traceId")]
            trace[0] += 1
            trace[1] = max(trace[1], event.ms)
        rows = [
            {"traceId": trace, "lines": str(lines), "latest": str(latest)}
            for trace, (lines, latest) in traces.items()
        ]
        return sorted(rows, key=lambda row: int(row["latest"]), reverse=True)


def _condition(text):
    for name, pattern in _CONDITIONS.items():
        found = pattern.fullmatch(text)
        if found is None:
            continue
        if name == "streams":
            return name, set(json.loads(found[1]))
        if name == "listed":
            return name, found[1], set(json.loads(found[2]))
        if name in {"begins", "text"}:
            return name, re.compile(found[1])
        return (name, *found.groups())
    raise Malformed(text)


def _stamp(ms):
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"
