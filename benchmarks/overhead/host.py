"""What surrounds a function in Lambda, as far as its speed goes: a thread a connection, raw HTTP.

`Function` is one process of Lambda's own runtime client. It gets its events from here, calls an AWS
that answers at once, and what a tracer sends is taken and counted.
"""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import uuid
import zlib
from pathlib import Path

CRC = zlib.crc32(b"{}")
ITEM = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n"
    f"x-amz-crc32: {CRC}\r\nx-amzn-RequestId: "
)
SENT = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: "
MESSAGE = (
    "<PublishResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><PublishResult><MessageId>"
    "{0}</MessageId></PublishResult><ResponseMetadata><RequestId>{0}</RequestId></ResponseMetadata>"
    "</PublishResponse>"
)
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:checkout"
SANDBOX = {
    "AWS_LAMBDA_FUNCTION_NAME": "checkout",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/checkout",
    "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/11/23/[$LATEST]{uuid.UUID(int=7).hex}",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "TZ": ":UTC",
}


def request(stream):
    """Return first line, headers and body of the next request; None where there is none."""
    first = stream.readline()
    if not first:
        return None
    size, headers = 0, []
    while (line := stream.readline()) not in (b"\r\n", b""):
        headers.append(line)
        if line[:15].lower() == b"content-length:":
            size = int(line[15:])
    return first, b"".join(headers), stream.read(size) if size else b""


class Server:
    """Listens on a port of its own; *answer* takes a request and returns the answer's bytes."""

    def __init__(self, answer, context=None):
        self.answer = answer
        self.context = context
        self.bytes = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Serve each connection in a thread, until the socket is closed."""
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """Answer one connection's requests until it ends."""
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (found := request(stream)) is not None:
                    self.bytes += sum(map(len, found))
                    connection.sendall(self.answer(*found))
        except OSError:  # the function was ended
            pass


def aws(_first, headers, _body):
    """Answer a PutItem or a Publish."""
    identifier = str(uuid.uuid4())
    if b"DynamoDB" in headers:
        return f"{ITEM}{identifier}\r\n\r\n{{}}".encode()
    body = MESSAGE.format(identifier)
    return f"{SENT}{len(body)}\r\n\r\n{body}".encode()


class Function:
    """One process with Lambda's runtime client, and the servers around it."""

    def __init__(self, command, environment, folder, tls=None):
        self.asked, self.given = threading.Event(), threading.Event()
        self.event = b""
        self.taken_ns = []
        self.sent_ns = 0
        self.last = b""
        self.failure = None
        self.api, self.aws = Server(self.runtime), Server(aws)
        self.sink = Server(lambda *_: NOTHING)
        self.secure = Server(lambda *_: NOTHING, tls) if tls else None
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", 0))
        self.log_bytes = self.datagram_bytes = 0
        ports = {
            "sink": self.sink.port,
            "udp": self.datagrams.getsockname()[1],
            "tls": self.secure.port if self.secure else 0,
        }
        variables = {
            **SANDBOX,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.port}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws.port}",
            "LAMBDA_TASK_ROOT": str(folder),
            **{name: value.format(**ports) for name, value in environment.items()},
        }
        self.began_ns = time.perf_counter_ns()
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for read in (self.read_log, self.read_datagrams):
            threading.Thread(target=read, daemon=True).start()
        self.wait()
        self.init_ms = (self.ready_ns - self.began_ns) / 1e6
        self.init_cpu_ms = self.cpu_ns() / 1e6

    def runtime(self, first, _headers, body):
        """Lambda's Runtime API: the next event, when there is one; a response; or a failure."""
        if b"/invocation/next" in first:
            self.ready_ns = time.perf_counter_ns()
            self.asked.set()
            self.given.wait()
            self.given.clear()
            self.sent_ns = time.perf_counter_ns()
            return self.event
        self.taken_ns.append(time.perf_counter_ns() - self.sent_ns)
        if b"/response" not in first:
            self.failure = (first, body)
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

    def read_log(self):
        """Count what the function writes."""
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.log_bytes += len(data)
            self.last = data
        self.asked.set()

    def read_datagrams(self):
        """Count what goes to the X-Ray daemon."""
        with contextlib.suppress(OSError):  # the port is closed
            while True:
                self.datagram_bytes += len(self.datagrams.recv(65536))

    def wait(self):
        """Wait until it asks for an event."""
        self.asked.wait(60)
        self.asked.clear()
        if self.failure or self.process.poll() is not None:
            message = f"the function failed: {self.failure} {self.last.decode()}"
            raise SystemExit(message)

    def invoke(self, event, count):
        """Return the times of *count* invocations, from the event to the response, in us."""
        body = json.dumps(event).encode()
        self.taken_ns.clear()
        for _ in range(count):
            now = time.time_ns()
            ids = f"Root=1-{now // 10**9:08x}-{now % 2**64:024x};Parent={now % 2**60:016x}"
            head = (
                f"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {uuid.uuid4()}\r\n"
                f"Lambda-Runtime-Deadline-Ms: {now // 10**6 + 30_000}\r\n"
                f"Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\n"
                f"Lambda-Runtime-Trace-Id: {ids};Sampled=1\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            self.event = head.encode() + body
            self.given.set()
            self.wait()
        return [taken / 1000 for taken in self.taken_ns]

    def cpu_ns(self):
        """Return the CPU time of the process so far; Linux's clock of another process."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def peak_kb(self):
        """Return the most memory that it has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def sent_bytes(self):
        """Return what went to a tracer's own server."""
        secure = self.secure.bytes if self.secure else 0
        return self.sink.bytes + secure + self.datagram_bytes

    def end(self):
        """End the process and close the ports."""
        self.process.kill()
        self.process.wait()
        for server in (self.api, self.aws, self.sink, self.secure):
            if server:
                server.socket.close()
        self.datagrams.close()


def certificate(folder):
    """Return a server's TLS context and the file of its certificate, made with openssl, or None."""
    key, crt = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "365",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(crt)]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # our own command
    except (OSError, subprocess.CalledProcessError):
        return None, None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context, crt
