"""A handler that does what its event says and writes down when, until it is killed.

The journal is a file: what stands in it survives the process. Its lines are a letter, a name and
the nanoseconds of the monotonic clock, which is one for all processes of a machine: ``b`` and ``e``
before and after each call, ``v`` and ``w`` before and after each write to standard output.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from http.client import HTTPConnection

import warm
from botocore.exceptions import ClientError
from door import span, tag, traced

JOURNAL = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
MOST = 192  # MB that are eaten
write = os.write


def note(letter, name=""):
    """Write a line into the journal."""
    write(JOURNAL, f"{letter} {name} {time.perf_counter_ns()}\n".encode())


def watched(fd, data):
    """Stand in for os.write, and note what goes to standard output."""
    if fd != 1:
        return write(fd, data)
    note("v")
    count = write(fd, data)
    note("w")
    return count


os.write = watched
dynamodb = warm.session.create_client("dynamodb")
HOST, PORT = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")


def put(name):
    """Put an item; the table's name tells the calls apart."""
    note("b", name)
    try:
        dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}})
    except ClientError:
        note("e", name)
        return
    note("e", name)


def http(name):
    """Send a request of our own; the host's name tells the calls apart."""
    connection = HTTPConnection(name)
    connection.sock = socket.create_connection((HOST, PORT))
    note("b", name)
    connection.request("GET", f"/{name}")
    connection.getresponse().read()
    note("e", name)
    connection.close()


def pair(name):
    """Put two items at once."""
    other = threading.Thread(target=put, args=(f"{name}-b",))
    other.start()
    put(f"{name}-a")
    other.join()


def within(name):
    """Put an item within a span of its own."""
    with span(name):
        put(name)


def eat(_):
    """Use up memory, one MB after another, and call in between."""
    eaten = [b"%d" % number * (1 << 18) for number in range(MOST // 2)]
    hang(eaten)


def hang(_):
    """Never come back."""
    while True:
        time.sleep(1)


def spin(_):
    """Never come back, and be busy."""
    while True:
        pass


def work(ms):
    """Be busy for *ms* milliseconds."""
    until = time.perf_counter_ns() + ms * 1_000_000
    while time.perf_counter_ns() < until:
        pass


WAYS = {
    "put": put,
    "http": http,
    "pair": pair,
    "within": within,
    "work": work,
    "tag": lambda name: tag(**{name: 1}),
    "hang": hang,
    "spin": spin,
    "eat": eat,
    "leave": lambda _: None,
    "exit": sys.exit,
    "_exit": os._exit,
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "signal": lambda number: (signal.signal(number, signal.SIG_DFL), os.kill(os.getpid(), number)),
}


@traced
def handler(event, context):
    """Do one step after another."""
    for way, argument in event:
        WAYS[way](argument)


@traced
def of_message(event, context):
    """Do what the message says."""
    handler(json.loads(event["Records"][0]["Sns"]["Message"]), context)
