"""What lies in the log groups that the server plays."""

import json
import re


class Event:
    """One log event; its fields are those that Logs Insights discovers."""

    def __init__(self, group, stream, ms, message):
        self.group, self.stream, self.ms, self.message = group, stream, ms, message
        self._fields = None

    @property
    def size(self):
        """The bytes that a query scans: those of the message."""
        return len(self.message)

    @property
    def fields(self):
        """The fields of the first JSON object in the message, the top level alone."""
        if self._fields is None:
            self._fields = {}
            at = self.message.find("{")
            if at >= 0:
                try:
                    found, _ = json.JSONDecoder().raw_decode(self.message, at)
                except ValueError:
                    found = {}
                self._fields = found
            request = re.match(r"(?:START|END|REPORT) RequestId: (\S+)", self.message)
            if request:
                self._fields = {
                    "@requestId": request[1],
                    "@type": self.message.split(" ", 1)[0],
                }
        return self._fields

    def contains(self, text):
        """Tell whether the message contains *text*."""
        return text in self.message


class Group:
    """A log group: its class, and its events in the order of their times."""

    def __init__(self, name, kind="STANDARD"):
        self.name, self.kind, self.events = name, kind, []


class Groups:
    """Log groups whose events are held in memory."""

    def __init__(self):
        self.groups = {}
        self.metrics = {}  # (function, metric): [(ms, value)]
        self.metric_filters, self.subscription_filters = [], []  # as AWS describes them
        self.account_policies, self.alarms = [], []

    @classmethod
    def of(cls, events, kind="STANDARD"):
        """Return log groups that hold *events*, as FilterLogEvents gives them."""
        data = cls()
        for event in events:
            name = event["logGroupName"]
            data.group(name, kind)
            data.put(name, event["logStreamName"], event["timestamp"], event["message"])
        return data

    def group(self, name, kind="STANDARD"):
        """Return the log group *name*, made where it is not there."""
        return self.groups.setdefault(name, Group(name, kind))

    def put(self, name, stream, ms, message):
        """Add one event."""
        self.group(name).events.append(Event(name, stream, ms, message))

    def kinds(self):
        """Return the class of each log group."""
        return {name: group.kind for name, group in self.groups.items()}

    def scan(self, names, since_ms, until_ms, wanted=None, *, failed=False):
        """Yield the events within a time; what is *wanted* or has *failed* may help others."""
        for name in names:
            for event in sorted(self.groups[name].events, key=lambda event: event.ms):
                if since_ms <= event.ms <= until_ms:
                    yield event

    def bytes(self, names, since_ms, until_ms):
        """Return the bytes and the number of the events within a time."""
        found = list(self.scan(names, since_ms, until_ms))
        return sum(event.size for event in found), len(found)

    def points(self, function, metric):
        """Return what Lambda counted: pairs of the time, Unix ms, and the value."""
        return self.metrics.get((function, metric), [])
