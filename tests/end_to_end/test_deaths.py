"""Functions that die on the stage, each in its own way, and what the command line says of them."""

import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lumitrace.reassembly.cli import main
from lumitrace.reassembly.pipeline import duckdb

if sys.platform.startswith("linux"):
    from local_aws import Settings, Stage
    from local_aws.logs import log_events, log_groups

TEMPLATE = Path(__file__).parent / "deaths" / "template.yaml"
LAYERS = [
    *(Path(it) for it in os.environ.get("PYTHONPATH", "").split(os.pathsep) if it),
    Path(__file__).parents[2] / "src",
]
FORMATS = ("text", "json")
# The call went well; where it was quick, its end was not written before the kill.
AFTER_THE_CALL = (
    "in a call after http.GET 127.0.0.1, or in its own code",
    "in http.GET 127.0.0.1, or in what began right after it",
)
WHILE_STARTING = "while its code started, before the handler"
EXITED = "Runtime exited with error: "
OUT = "The function ran out of memory: 128 MB of 128 MB were used"
MODULE = "Unable to import module 'unimportable': No module named 'no_such_module'"

# What died: how Lambda calls it, its words (None: only the text format has them), and where.
DEATHS = {
    "eating": ("Runtime.OutOfMemory", OUT, AFTER_THE_CALL),
    "exiting": ("SystemExit", "3", ""),
    "leaving": ("Runtime.ExitError", f"{EXITED}exit status 1", AFTER_THE_CALL),
    "crashing": ("Runtime.ExitError", f"{EXITED}signal: segmentation fault", AFTER_THE_CALL),
    "raising": ("LookupError", "no stock for sale-{}", ""),
    "unserialisable": (
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type Unbuffered is not JSON serializable",
        "after its handler had returned",
    ),
    "hanging": (
        "Sandbox.Timedout",
        "Task timed out after 6.00 seconds",
        "in dynamodb.GetItem payments, or in what began right after it",
    ),
    "unimportable": ("Runtime.ImportModuleError", MODULE, WHILE_STARTING),
    "unconfigured": ("KeyError", "'NO_SUCH_VARIABLE'", WHILE_STARTING),
    "too-slow": ("Sandbox.Timedout", "Task timed out after 2.00 seconds", WHILE_STARTING),
}
AT_ONCE = ("eating", "exiting", "leaving", "crashing", "raising", "unserialisable")
SALES = [f"{name}-{log_format}" for name in (*DEATHS, "slow") for log_format in FORMATS]


class Shop(BaseHTTPRequestHandler):
    """Answers every question with a price."""

    def do_GET(self):  # its name
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

    def log_message(self, *_):
        """Say nothing."""


class Deaths:
    """The logs of the stage; each sale's id is the name of the function that it was handed to."""

    def __init__(self, events, folder):
        self.events, self.folder = events, folder

    def of(self, *functions, till="till"):
        """Return a file with the logs of *till* and of *functions*."""
        names = {f"/aws/lambda/{name}" for name in (till, *functions)}
        path = self.folder / f"{'-'.join(functions)}.jsonl"
        kept = (json.dumps(one) for one in self.events if one["logGroupName"] in names)
        path.write_text("\n".join(kept), "utf-8")
        return str(path)


@pytest.fixture(scope="session")
def deaths(tmp_path_factory):
    """Hand one sale to each function, wait until all have died, and read the logs."""
    duckdb._database().execute("SET threads = 1")  # more cost more than they bring
    settings = Settings(layers=LAYERS, retry_delays_s=(0.05, 0.1), sandboxes=1, init_timeout_s=5.0)
    shop = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    with (
        shop,
        socket.create_server(("127.0.0.1", 0)) as silent,
        Stage(TEMPLATE, settings=settings) as stage,
    ):
        where = {
            "shop": f"http://127.0.0.1:{shop.server_address[1]}/price",
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }

        def sell(function, sale_id, caller="till", **more):
            event = {"to": function, "saleId": f"sale-{sale_id}", "total": 42.5, **where, **more}
            return stage.platform.invoke(caller, json.dumps(event).encode())

        for function in SALES:
            assert sell(function, function).error is None
            if function.partition("-")[0] in AT_ONCE:  # so that few start at a time
                stage.drain()
        sell("alone", "alone")
        while not stage.platform.sandboxes("alone"):
            time.sleep(0.005)
        assert sell("alone", "refused", "caller", how="RequestResponse").error == "Unhandled"
        stage.drain()
        groups = log_groups(stage.clients.logs)
        events = [event for group in groups for event in log_events(stage.clients.logs, group)]
        shop.shutdown()
    return Deaths(events, tmp_path_factory.mktemp("deaths"))


@pytest.fixture
def ask(capsys):
    """The command line: its JSON, or, with *page*, what a person sees."""

    def run(*arguments, page=False):
        code = main([*map(str, arguments), *([] if page else ["--json"])])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out if page else json.loads(said.out)

    return run


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", DEATHS)
def test_why_says_what_died_where_and_whose_it_was(deaths, ask, name, log_format):
    """The function, Lambda's own words, the call in flight as far as it is known, the sale."""
    function = f"{name}-{log_format}"
    kind, message, stopped = DEATHS[name]

    said = ask("why", deaths.of(function))

    cause, impact = said["cause"], said["impact"]
    assert said["issue"]["function"] == cause["function"] == function
    assert cause["type"] == kind
    silent = log_format == "json" and kind == "Runtime.ExitError"  # there it has no words
    assert cause["message"] == ("" if silent else message.format(function))
    assert cause["call"] == ""
    assert cause["stopped"] in (stopped if isinstance(stopped, tuple) else (stopped,))
    assert impact["ids"] + impact["pendingIds"] == [f"sale-{function}"]
    assert impact["withoutSpanLines"] == said["seen"]["untrusted"] == 0


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_failing_init_is_told_with_every_attempt(deaths, ask, log_format):
    """It ran before START, again within each invocation, and a person can read all of that."""
    function = f"unimportable-{log_format}"

    path = deaths.of(function)
    shown = ask("show", f"saleId=sale-{function}", path)
    page = ask("show", f"saleId=sale-{function}", path, page=True)

    attempts = [span for span in shown["spans"] if span["name"] == function]
    assert [span["attempt"] for span in attempts if span["attempt"]] == ["1/3", "2/3", "3/3"]
    started = [span["init"] for span in attempts if span["attempt"]]
    assert [len(told) for told in started] == [2, 1, 1]
    assert started[0][0].startswith("init ")
    assert started[0][0].endswith(" ms ended in error")
    assert all(told[-1].startswith("init again within the invocation ") for told in started)
    assert f"✗ Runtime.ImportModuleError: {MODULE} ({WHILE_STARTING})" in page


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_slow_init_is_told_and_its_invocation_is_well(deaths, ask, log_format):
    """Given up after Lambda's limit, run again within the invocation, which then went well."""
    function = f"slow-{log_format}"

    shown = ask("show", f"saleId=sale-{function}", deaths.of(function))

    assert shown["transaction"]["state"] == "ok"
    [told] = [span["init"] for span in shown["spans"] if span["role"] == "invocation"][1:]
    assert told[0].endswith(" ms ended in timeout, then again within the invocation")


def test_the_time_that_a_cold_start_took_is_told(deaths, ask):
    """REPORT's Init Duration, in both formats, on the first attempt alone."""
    for function in ("raising-text", "raising-json"):
        shown = ask("show", f"saleId=sale-{function}", deaths.of(function))

        [dead] = [span for span in shown["spans"] if span["name"] == function]
        assert len(dead["init"]) == 1
        assert dead["init"][0].startswith("init ")
        assert shown["stack"][-1]["init"] == dead["init"]


def test_a_throttle_is_told_by_the_caller_it_refused(deaths, ask):
    """The function itself writes nothing of it: Lambda never started it."""
    said = ask("why", deaths.of("caller", "alone", till=""))

    causes = [said["cause"], *said["otherCauses"]]
    [throttle] = [one for one in causes if one["type"] == "TooManyRequestsException"]
    assert (throttle["function"], throttle["service"]) == ("caller", "Lambda")
    assert (throttle["call"], throttle["message"]) == ("Invoke alone", "Rate Exceeded.")
    assert said["seen"]["invocations"] == 2
