"""Handlers that look at what belongs to the function itself."""

import decimal
import gc
import json
import locale
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor

import boto3
from calls import QUEUE, TOPIC, dynamodb, sqs

random.seed(42)
HERE = os.environ["AWS_ENDPOINT_URL"]
heard = []
rung = signal.signal(signal.SIGALRM, lambda *_: heard.append("alarm"))
RESULTS = {"left": [1]}
CLIENTS = [boto3.client(it) for it in os.environ.pop("CONTRACT_CLIENTS", "").split()]


def alarm(event, context):
    """Tell what became of the handler and the timer that the function set itself."""
    before = len(heard)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    until = time.monotonic() + 5
    while len(heard) == before and time.monotonic() < until:
        pass
    return [len(heard) - before, signal.getsignal(signal.SIGALRM).__name__]


def timer(event, context):
    """Tell whether the function's own timer runs on from one invocation to the next."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    signal.setitimer(signal.ITIMER_REAL, 100)
    return "runs on" if event == 1 or left > 1 else "was stopped"


def drawn(event, context):
    """Draw from the sequence that the function seeded."""
    return [random.random(), random.randint(1, 1000)]


def variables(event, context):
    """Return the environment."""
    kept = {name: value for name, value in os.environ.items() if name != "_X_AMZN_TRACE_ID"}
    return [sorted(kept.items()), "_X_AMZN_TRACE_ID" in os.environ]


def context(event, context):
    """Return what the function sees of its context."""
    return [type(context).__name__, sorted(vars(context))]


def around(event, context):
    """Return what the function sees of the process."""
    logger = logging.getLogger()
    return {
        "decimal": repr(decimal.getcontext()),
        "locale": locale.setlocale(locale.LC_ALL),
        "formatters": [type(it.formatter).__name__ for it in logger.handlers],
        "logger": [logging.getLoggerClass().__name__, logger.level],
        "records": logging.getLogRecordFactory().__qualname__,
        "hooks": [repr(sys.gettrace()), repr(sys.getprofile()), sys.excepthook.__name__],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0],
        "timeout": socket.getdefaulttimeout(),
        "limit": sys.getrecursionlimit(),
    }


def strict(event, context):
    """Work where warnings are errors and decimals are exact."""
    warnings.simplefilter("error")
    decimal.getcontext().traps[decimal.Inexact] = True
    sqs.send_message(QueueUrl=QUEUE, MessageBody="hi")
    return repr(decimal.getcontext().flags[decimal.Inexact])


def given(event, context):
    """Return what the function was given, and whether what it gave back has changed since."""
    before = json.dumps(RESULTS)
    RESULTS.clear()
    RESULTS["is"] = [event]
    return [event, before]


def threads(event, context):
    """Work and fail in threads."""
    with ThreadPoolExecutor(3) as pool:
        squares = list(pool.map(lambda n: n * n, range(5)))
        failed = pool.submit({}.__getitem__, "a").exception()
    thrown = threading.Thread(target=RESULTS.pop, args=("nowhere",))
    thrown.start()
    thrown.join()
    return [squares, repr(failed)]


def quiet(event, context):
    """Do a little, and say nothing."""
    dynamodb.get_item(TableName="sales", Key={"id": {"S": "a"}})
    sqs.send_message(QueueUrl=QUEUE, MessageBody="hi")
    return "done"


def sends(event, context):
    """Send to everything that a context can go to."""
    full = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(9)}
    queue, topic, functions, buses = CLIENTS
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(2)]
    notes = [{"Id": str(n), "Message": "x"} for n in range(2)]
    queue.send_message(QueueUrl=QUEUE, MessageBody="x")
    queue.send_message(QueueUrl=QUEUE, MessageBody="x", MessageAttributes=full)
    queue.send_message_batch(QueueUrl=QUEUE, Entries=entries)
    topic.publish(TopicArn=TOPIC, Message="x")
    topic.publish(TopicArn=TOPIC, Message="x", MessageAttributes=full)
    topic.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=notes)
    dynamodb.put_item(TableName="sales", Item={"id": {"S": "a"}})
    functions.invoke(FunctionName="f", InvocationType="Event")
    detail = {"Source": "shop", "DetailType": "sale", "Detail": "{}"}
    buses.put_events(Entries=[detail])
    with urllib.request.urlopen(f"{HERE}/urllib") as answered:  # noqa: S310  # http
        answered.read()
    urllib3_get()
    if event.get("fails"):
        raise ValueError("no such sale")
    return "sent"


def urllib3_get():
    """Ask another server through urllib3."""
    import urllib3

    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{HERE}/urllib3", headers={"x-own": "1"})
