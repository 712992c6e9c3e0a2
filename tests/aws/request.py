"""One request to AWS: its bytes as they came, and what they say."""

import json
import re
from urllib.parse import parse_qsl, unquote

SCOPE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([\w-]+)/aws4_request")
INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# What the SDK draws anew for each request: the time, its own id, and the signature over both.
ANEW = frozenset((b"amz-sdk-invocation-id", b"authorization", b"x-amz-date"))


class Request:
    """A request.

    Attributes:
        method, path, body: as they came.
        headers: names and values as they came, in their order.
        service: by the scope of the signature: ``sqs``.
        operation: AWS's name: ``SendMessage``; of a service that has paths, Lambda's Invoke alone.
        params: what the caller asked for; forms are unfolded: ``{"MessageAttributes": {…}}``.
    """

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        found = SCOPE.search(self.header(b"authorization"))
        self.service = found[1].decode() if found else ""
        self.operation, self.params = self._decoded()

    def header(self, name):
        """Return the value of the header *name*, in lower case, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name), b"")

    def same_for_each(self):
        """Return all bytes that do not change from one request of the SDK's to the next."""
        kept = [(key, value) for key, value in self.headers if key.lower() not in ANEW]
        return self.method, self.path, kept, self.body

    def _decoded(self):
        target = self.header(b"x-amz-target").decode()
        if target:
            return target.rpartition(".")[2], json.loads(self.body or b"{}")
        if self.header(b"content-type").startswith(b"application/x-www-form-urlencoded"):
            params = _unfolded(parse_qsl(self.body.decode(), keep_blank_values=True))
            return params.get("Action", ""), params
        invoked = INVOKE.match(self.path.decode())
        if not invoked:
            return "", {}
        params = {"FunctionName": unquote(invoked[1]), "Payload": self.body}
        for name in ("Client-Context", "Invocation-Type", "Durable-Execution-Name"):
            value = self.header(f"x-amz-{name.lower()}".encode())
            if value:
                params[name.replace("-", "")] = value.decode()
        return "Invoke", params


def _unfolded(pairs):
    """Return the form of the query protocol as the structure that it stands for.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
    """
    found = {}
    for name, value in pairs:
        place, parts = found, name.split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return _lists(found)


def _lists(value):
    if not isinstance(value, dict):
        return value
    inner = value.get("member") or value.get("entry")
    if len(value) == 1 and isinstance(inner, dict):
        ordered = [_lists(inner[key]) for key in sorted(inner, key=int)]
        if "entry" in value:
            return {one["Name"]: one["Value"] for one in ordered}
        return ordered
    return {key: _lists(one) for key, one in value.items()}
