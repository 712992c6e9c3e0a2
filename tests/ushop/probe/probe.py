"""A function that does what its event says: what the tests of the stage invoke."""

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

logger = logging.getLogger("probe")
counts = {"calls": 0, "ticks": 0}
failed = set()


def tick():
    """Count, for ever, in the background."""
    while True:
        time.sleep(0.005)
        counts["ticks"] += 1


def meet(folder, name, number):
    """Be in *folder*, as a file, until so many are."""
    Path(folder, name).touch()
    while len(list(folder.iterdir())) < number:
        time.sleep(0.005)


def handler(event, context):
    """Do what the event says; answer with what can be seen from inside."""
    counts["calls"] += 1
    say(event)
    match event.get("do"):
        case "raise":
            message = "no\nsuch luck"
            raise ValueError(message)
        case "exit":
            os._exit(event["code"])
        case "sleep":
            time.sleep(event["seconds"])
        case "meet":
            meet(Path(event["folder"]), context.aws_request_id, event["number"])
        case "tick":
            threading.Thread(target=tick, daemon=True).start()
        case "log":
            logger.warning("first\nsecond")
            sys.stderr.write("to stderr\n")
    return {
        "requestId": context.aws_request_id,
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "environment": dict(os.environ),
        "clientContext": context.client_context.custom if context.client_context else None,
        "stream": context.log_stream_name,
        "pid": os.getpid(),
        **counts,
    }


def take_one_leave_one(event, _context):
    """Name those messages as failed that say so, the first time."""
    say(event)
    left = [
        record["messageId"]
        for record in event["Records"]
        if record["body"] == "leave" and record["attributes"]["ApproximateReceiveCount"] == "1"
    ]
    return {"batchItemFailures": [{"itemIdentifier": it} for it in left]}


def fail_once(event, _context):
    """Fail on the first sight of a batch, take it on the second."""
    say(event)
    first = event["Records"][0]["eventID"]
    if first not in failed:
        failed.add(first)
        raise RuntimeError


def say(event):
    """Leave the event in the log, for the test to read."""
    sys.stdout.write(f"{json.dumps(event)}\n")
