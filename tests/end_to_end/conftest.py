"""A night at Ushop: real functions, real lines, real questions; asked once a way of playing it."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "ushop"))

if not sys.platform.startswith("linux"):
    collect_ignore_glob = ["test_*.py"]
else:
    from local_aws import Settings, Stage, seed, sell
    from local_aws.clients import REGION
    from local_aws.logs import log_events, log_groups, messages

LAYERS = [
    *(Path(it) for it in os.environ.get("PYTHONPATH", "").split(os.pathsep) if it),
    ROOT / "src",
]


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}
FORGED = 2  # requests a night


class Night:
    """What was sold, and what the logs say of it.

    Attributes:
        truth: what the customers know.
        events: every log event, oldest first: logGroupName, logStreamName, timestamp, message.
        folder: where this night's files may stand.
        items: what was asked of the tables of the stage, before it ended.
    """

    def __init__(self, truth, events, folder):
        self.items = {}
        self.truth = truth
        self.events = sorted(events, key=lambda event: event["timestamp"])
        self.folder = folder
        self._asked = {}

    def lumitrace(self, *arguments, events=None):
        """Ask the command line in a process of its own, once a question; return its JSON."""
        if events is not None:
            return self._ask(arguments, events)
        if arguments not in self._asked:
            self._asked[arguments] = self._ask(arguments, self.events)
        return self._asked[arguments]

    def transactions(self):
        """Return all of them."""
        return self.lumitrace("transactions", "--limit", "1000")["transactions"]

    def ask_items(self, stage):
        """Ask who wrote the first healthy sale and how many marks there are; take them off."""
        where = ("--endpoint-url", stage.endpoint_url, "--region", REGION)
        sale, table = self.truth.healthy[0].sale_id, "ushop_sales"
        blamed = self._ask(("blame", table, f"saleId={sale}", *where), self.events)
        self.items["blame"] = blamed
        for name, asked in (
            ("marks", ("marks", table, "--all")),
            ("clean", ("clean", table, "--apply", "--rate", "1000")),
            ("left", ("marks", table, "--all")),
        ):
            self.items[name] = self._run("dynamodb", *asked, *where)

    def _ask(self, arguments, events):
        path = self.folder / "night.jsonl"
        lines = (json.dumps(event) + "\n" for event in events)
        path.write_text("".join(lines), encoding="utf-8")
        return self._run(*arguments, str(path))

    @staticmethod
    def _run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "lumitrace.reassembly.cli", *arguments, "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **KEYS, "PYTHONPATH": os.pathsep.join(map(str, LAYERS))},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def span_lines(self):
        """Return (event, object) of every line that lumitrace wrote."""
        for event in self.events:
            if event["message"].startswith('{"lumitrace":1,'):
                for line in event["message"].splitlines():
                    yield event, json.loads(line)


def play(  # a night: each is named
    folder,
    environment=None,
    *,
    seconds=6,
    broken_after=3,
    ask_items=False,
    forged=True,
    sandboxes=2,
):
    """Sell for a while, wait until all is quiet, have ids forged, and read every log."""
    settings = Settings(
        layers=LAYERS, retry_delays_s=(0.1, 0.2), environment=environment, sandboxes=sandboxes
    )
    with Stage(settings=settings, max_batching_window_s=0.3) as stage:
        seed(stage)
        truth = sell(stage.api_url, seconds=seconds, broken_after=broken_after, rate=8, seed=7)
        stage.drain()
        if forged:
            forge(stage)
            stage.drain()
        groups = log_groups(stage.clients.logs)
        events = [event for group in groups for event in log_events(stage.clients.logs, group)]
        night = Night(truth, events, folder)
        if ask_items:
            night.ask_items(stage)
    assert not truth.refused
    return night


def forge(stage):
    """Ask for prices, as strangers who know all ids of sales and claim them as their own."""
    lines = _lines(stage, "ushop_new-sale-processing")
    call = next(it for it in lines if it.get("operation") == "http.GET")
    sent = [(it, entry) for it in lines for entry in it.get("calls", ())]
    publish, entry = next(it for it in sent if it[1][1] == "sns.Publish")
    invoke = next(entry for entry in _entries(stage, "ushop_sale-analytics", "lambda.Invoke"))
    roots = {it["requestId"]: it["xrayRoot"] for it in lines if "xrayRoot" in it}
    answered = call["linkOut"][0].partition(":")[2]
    invoked = invoke[6][0].partition(":")[2]  # the receipt's own request id
    for claimed, span, request in (
        (call, call["spanId"], call["requestId"]),
        (publish, entry[0], invoked),
    ):
        root = roots[claimed["requestId"]]
        headers = {
            "traceparent": f"00-{claimed['traceId']}-{span}-01",
            "X-Amzn-Trace-Id": f"Root=1-{root[:8]}-{root[8:]}",
            "X-Amzn-RequestId": request,
            "Apigw-Requestid": answered,
        }
        _ask(stage, headers)


def _ask(stage, headers):
    connection = http.client.HTTPConnection(urlsplit(stage.http_api_url).netloc)
    connection.request("GET", "/prices/silk-scarf?amount=1", headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def _entries(stage, function, operation):
    lines = _lines(stage, function)
    every = [entry for line in lines for entry in line.get("calls", ())]
    return [entry for entry in every if entry[1] == operation]


def _lines(stage, function):
    """Return the span lines of *function*."""
    events = messages(stage.clients.logs, function)
    said = [line for event in events for line in event.splitlines()]
    return [json.loads(it) for it in said if it.startswith('{"lumitrace":1,')]


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """The night as everybody plays it, but the context goes along to the price check."""
    own = {"LUMITRACE_HTTP_HOSTS": "127.0.0.1"}
    return play(tmp_path_factory.mktemp("night"), own, ask_items=True)


@pytest.fixture(scope="session")
def night_without_injection(tmp_path_factory):
    """Nothing is sent along: hops join by what AWS itself answers."""
    return play(tmp_path_factory.mktemp("none"), {"LUMITRACE_INJECT": "none"}, seconds=3)


@pytest.fixture(scope="session")
def night_sampled(tmp_path_factory):
    """Three of ten traces are told in detail; for want of detail there is nothing to forge."""
    own = {"LUMITRACE_HTTP_HOSTS": "127.0.0.1", "LUMITRACE_SAMPLE": "0.3"}
    folder = tmp_path_factory.mktemp("sampled")
    return play(folder, own, seconds=2, broken_after=1, forged=False, sandboxes=1)
