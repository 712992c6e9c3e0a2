"""What lumitrace adds to a request, undone, so that the rest can be compared byte for byte."""

import base64
import json
import re

MEMBERS = ("traceparent", "_lumitrace")
SIZED = (b"content-length", b"x-amz-content-sha256")
EMPTY = ("MessageAttributes", "ExpressionAttributeNames", "ExpressionAttributeValues")
CONTEXT = b"x-amz-client-context"
TEXTS = ("traceparent", "_lumitrace", '{"w3c"')
DETAIL = re.compile(r'^\{"_lumitrace":"00-[0-9a-f-]+",?')
ASSIGNED = re.compile(r" ?#_lumitrace_* = :_lumitrace_*,?")
# What the SDK makes anew for each call: the signed URL of a snapshot's copy, a token.
ANEW = re.compile(rb'(X-Amz-Date|X-Amz-Signature)%3D\w+|("ClientRequestToken": )"[0-9a-f-]{36}"')
FEATURES = re.compile(rb"(^aiobotocore.* )m/\S+")
DEFINED = re.compile(r"[#:]_lumitrace_*$")


def is_marked(request):
    """Tell whether *request* has a context or a mark of ours in it."""
    said = request.body + _client_context(request).encode()
    names = [name.lower() for name, _ in request.headers]
    return any(text.encode() in said for text in TEXTS) or b"traceparent" in names


def asked(bare, twin):
    """Return both requests without what may differ: time, the SDK's own id, signature, our mark."""
    if not is_marked(twin):
        return _whole(bare), _whole(twin)
    return _plain(bare), _plain(twin)


def _whole(request):
    method, path, headers, body = request.same_for_each()
    return method, path, _settled(headers), ANEW.sub(rb"\1\2", body)


def _settled(headers):
    """Return *headers*; which features aiobotocore names depends on what it did before."""
    return [(name, FEATURES.sub(rb"\1", value)) for name, value in headers]


def _plain(request):
    """Return *request* without what is ours, as text wherever the order counts."""
    kept = [
        pair
        for pair in _settled(request.same_for_each()[2])
        if pair[0].lower() not in (*SIZED, CONTEXT, b"traceparent")
    ]
    if not request.params:
        return request.method, request.path, kept, request.body
    params = {key: it for key, it in request.params.items() if not isinstance(it, bytes)}
    params.pop("ClientContext", None)
    said = (
        ANEW.sub(rb"\2", json.dumps(unmarked(params)).encode()),
        _without_ours(_client_context(request)),
    )
    return request.method, request.path, kept, said, request.params.get("Payload")


def _client_context(request):
    value = request.header(CONTEXT)
    return base64.b64decode(value + b"===").decode("utf-8", "replace")


def _without_ours(text):
    """Return the text of a client context as the caller gave it."""
    found = re.match(r'\{"w3c": \{"traceparent": "[^"]*"\}(?:,|(\}$))', text)
    return text if found is None else "" if found[1] else "{" + text[found.end() :]


def unmarked(value):
    """Return the structure *value* without what lumitrace adds."""
    if isinstance(value, list):
        return [unmarked(it) for it in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: unmarked(inner)
        for key, inner in value.items()
        if key not in MEMBERS and not DEFINED.match(key)
    }
    for name in EMPTY:
        if kept.get(name) == {}:
            del kept[name]
    if isinstance(kept.get("Detail"), str):
        kept["Detail"] = DETAIL.sub("{", kept["Detail"])
    if isinstance(kept.get("UpdateExpression"), str):
        rest = ASSIGNED.sub("", kept["UpdateExpression"])
        kept["UpdateExpression"] = re.sub(r" ?SET$", "", rest)
        if not kept["UpdateExpression"]:
            del kept["UpdateExpression"]
    return kept
