"""CloudFormation on the loopback, as far as a stack that fails goes: answers in their order."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def stack(status):
    """Return what DescribeStacks says of a stack in *status*."""
    return (
        "<Stacks><member><StackName>lumitrace</StackName><StackId>arn:stack</StackId>"
        "<CreationTime>2026-11-23T00:00:00Z</CreationTime>"
        "<Description>lumitrace setup: archive, reader, alarm</Description>"
        f"<StackStatus>{status}</StackStatus></member></Stacks>"
    )


def events(*said):
    """Return events, the latest first: resource, status, reason."""
    members = "".join(
        "<member><EventId>e</EventId><StackId>arn:stack</StackId><StackName>lumitrace</StackName>"
        "<Timestamp>2026-11-23T00:00:00Z</Timestamp>"
        f"<LogicalResourceId>{name}</LogicalResourceId><ResourceStatus>{status}</ResourceStatus>"
        f"<ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        for name, status, reason in said
    )
    return f"<StackEvents>{members}</StackEvents>"


ABSENT = (400, "Stack with id lumitrace does not exist")
CREATED = "<StackId>arn:stack</StackId>"


@contextmanager
def answering(**answers):
    """Yield the address of a server that answers each operation with the next of its *answers*.

    The last of them stays. A pair is a refusal: its status and its message.
    """
    said = {operation: list(found) for operation, found in answers.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            operation = asked["Action"][0]
            found = said[operation]
            answer = found.pop(0) if len(found) > 1 else found[0]
            status, body = (answer[0], None) if isinstance(answer, tuple) else (200, answer)
            if body is None:
                error = f"<Code>ValidationError</Code><Message>{answer[1]}</Message>"
                text = f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{error}</Error></ErrorResponse>'
            elif body.startswith("<!doctype"):
                text = body
            else:
                text = (
                    f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{body}'
                    f"</{operation}Result></{operation}Response>"
                )
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
