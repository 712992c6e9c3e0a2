"""Managed Instances: the runtime client with a process an invocation, all in one log stream."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lumitrace.reassembly.cli import main

ROOT = Path(__file__).parents[2]
if sys.platform.startswith("linux"):
    from local_aws.json_platform_lines import JsonLines
    from local_aws.platform_lines import Report
    from local_aws.runtime_api import RuntimeApi

BOOTSTRAP = ROOT / "examples/ushop/local_aws/runtime/bootstrap.py"
FOLDER = Path(__file__).parent / "deaths"
PROCESSES = 3


class Meeting(BaseHTTPRequestHandler):
    """Answers when all who run at a time have asked."""

    def do_GET(self):  # its name
        """Wait for the others."""
        self.server.barrier.wait(120)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


class Instance:
    """Gives each process that asks one sale, and keeps the log stream of all of them."""

    def __init__(self, shop):
        self.shop, self.lines, self.lock = shop, [], threading.Lock()
        self.says = JsonLines("pay", "s1", "python3.13", "us-east-1")
        self.sales, self.over = queue.SimpleQueue(), threading.Semaphore(0)
        self.end = threading.Event()

    def log(self, lines):
        """Write *lines* down in the order in which they came."""
        with self.lock:
            self.lines += lines

    def next_event(self):
        """Runtime API: a process asks for work."""
        while not self.end.is_set():
            try:
                number = self.sales.get(timeout=0.05)
            except queue.Empty:
                continue
            request_id = f"0000000{number}-0000-4000-8000-000000000000"
            self.log(self.says.start(request_id))
            event = {"saleId": f"sale-{number}", "shop": self.shop}
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": "9999999999999",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:pay",
            }
            return json.dumps(event).encode(), headers
        return None

    def responded(self, request_id, payload, *, raised=False):  # payload: the API's
        """Runtime API: a handler has returned."""
        self.log(self.says.end(Report(request_id, 3.0, 128, 64, raised=raised)))
        self.over.release()

    def failed(self, request_id, payload):
        """Runtime API: a handler has raised."""
        self.responded(request_id, payload, raised=True)

    def init_failed(self, error_type, payload):
        """Runtime API: the module could not be imported."""
        self.log([f"{error_type} {payload}"])
        for _ in range(PROCESSES):
            self.over.release()


def read(instance, connection):
    """Write down, line by line, what one process says on one of its connections."""
    with connection, connection.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            instance.log([line])


def listen(instance, sockets):
    """Take each process's connections, one for standard output and one for standard error."""
    for _ in range(2 * PROCESSES):
        connection, _ = sockets.accept()
        threading.Thread(target=read, args=(instance, connection), daemon=True).start()


def play(folder):
    """Run as many invocations at a time as there are processes; return the log's lines."""
    shop = ThreadingHTTPServer(("127.0.0.1", 0), Meeting)
    shop.barrier = threading.Barrier(PROCESSES)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    instance = Instance(f"http://127.0.0.1:{shop.server_address[1]}/")
    api, place = RuntimeApi(instance), str(folder / "log")
    environment = {
        "PATH": os.defpath,
        "LAMBDA_TASK_ROOT": str(FOLDER),
        "_HANDLER": "side_by_side.handler",
        "AWS_LAMBDA_FUNCTION_NAME": "pay",
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES),
        "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": place,
        "_LOCAL_AWS_LAYERS": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT / "src")]),
    }
    started = [sys.executable, str(BOOTSTRAP), str(os.getpid())]
    with shop, socket.socket(socket.AF_UNIX) as sockets:
        sockets.bind(place)
        sockets.listen()
        threading.Thread(target=listen, args=(instance, sockets), daemon=True).start()
        with subprocess.Popen(started, env=environment, start_new_session=True) as process:
            for number in range(PROCESSES):
                instance.sales.put(number)
            done = [instance.over.acquire(timeout=120) for _ in range(PROCESSES)]
            os.killpg(process.pid, signal.SIGKILL)
        instance.end.set()
        api.stop()
        shop.shutdown()
    assert all(done), instance.lines
    return instance.lines


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """The log stream as a file of log events."""
    folder = tmp_path_factory.mktemp("managed")
    path = folder / "pay.jsonl"
    events = (
        {
            "logGroupName": "/aws/lambda/pay",
            "logStreamName": "s1",
            "timestamp": 1_795_226_400_000 + number,
            "message": line,
        }
        for number, line in enumerate(play(folder))
    )
    path.write_text("".join(json.dumps(one) + "\n" for one in events), "utf-8")
    return path


def ask(capsys, *arguments):
    """Return the command line's JSON."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_each_invocation_is_told_by_its_own_lines(log, capsys):
    """Their lines interleave, and yet each sale has its own outcome; no span line is lost."""
    said = ask(capsys, "why", log)

    assert (said["seen"]["invocations"], said["seen"]["untrusted"]) == (PROCESSES, 0)
    assert said["impact"]["ids"] + said["impact"]["pendingIds"] == ["sale-2"]
    assert (said["cause"]["type"], said["cause"]["message"]) == ("LookupError", "no stock")
    assert said["seen"]["unplaced"] == PROCESSES  # what each printed


def test_a_transaction_has_the_lines_of_its_own_request_alone(log, capsys):
    """Also those that the runtime client wrote of the exception."""
    shown = ask(capsys, "show", "saleId=sale-2", log)

    assert len({line["requestId"] for line in shown["logs"]}) == 1
    assert any("no stock" in line["message"] for line in shown["logs"])
    assert len([span for span in shown["spans"] if span["role"] == "invocation"]) == 1
