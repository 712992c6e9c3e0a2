"""What AWS answers to a request that it refuses, in the service's own protocol."""

import json

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


class Refusal(Exception):  # noqa: N818  # AWS's answer, no error of ours
    """A refusal.

    Attributes:
        code, message: as AWS words them.
        status: of HTTP.
        more: other members of the answer, of the JSON protocols.
    """

    def __init__(self, code, message, status=400, **more):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.more = code, message, status, more

    def answer(self, request):
        """Return status, headers and body."""
        if request.params.get("Action"):
            return self._query()
        headers = {"x-amzn-RequestId": REQUEST_ID, "x-amzn-ErrorType": self.code}
        headers["Content-Type"] = "application/x-amz-json-1.0"
        word = "Message" if request.service == "lambda" else "message"
        body = {"__type": f"com.amazonaws#{self.code}", word: self.message, **self.more}
        return self.status, headers, json.dumps(body).encode()

    def _query(self):
        inner = f"<Type>Sender</Type><Code>{self.code}</Code><Message>{self.message}</Message>"
        body = f"<Error>{inner}</Error><RequestId>{REQUEST_ID}</RequestId>"
        text = f"<ErrorResponse>{body}</ErrorResponse>"
        return self.status, {"Content-Type": "text/xml"}, text.encode()


class EntriesRefused(Exception):  # noqa: N818  # as Refusal
    """Entries of a batch that fail inside a 200, by their Id; the others go on.

    Attributes:
        entries: the refusal of each.
    """

    def __init__(self, entries):
        super().__init__(", ".join(f"{key}: {one}" for key, one in entries.items()))
        self.entries = entries

    def rest(self, request):
        """Return the body of *request* without them, or None where none is left."""
        kept = [one for one in request.params["Entries"] if one["Id"] not in self.entries]
        return json.dumps({**request.params, "Entries": kept}).encode() if kept else None

    def answer(self, body):
        """Return the answer *body* with them among those that failed."""
        answered = json.loads(body or b'{"Successful":[]}')
        failed = [
            {"Id": key, "SenderFault": True, "Code": one.code, "Message": one.message}
            for key, one in self.entries.items()
        ]
        return json.dumps({**answered, "Failed": answered.get("Failed", []) + failed}).encode()
