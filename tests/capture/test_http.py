"""HTTP requests: told once each, whatever the library; the server sees one header more at most."""

import asyncio
import functools
import http.client
import importlib.util
import sys
import traceback
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, MethodType
from urllib.parse import quote, urlsplit

import pytest

from lumitrace import span, testing, traced
from lumitrace.capture import doors
from lumitrace.capture.config import settings
from lumitrace.capture.integrations._request import AtHand, at_hand

APIGW = {"apigw-requestid": "JKJaXmPLvHcESHA="}


@pytest.fixture
def listed(_fresh):
    """This machine is one of one's own hosts, by its number; not by its name."""
    settings.http_hosts = (("127", "0", "0", "1"),)


def by_http_client(url, headers=None, data=None):
    """Return status and body of what http.client gets."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST" if data else "GET", target, data, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def by_urllib(url, headers=None, data=None):
    """Return status and body of what urllib gets."""
    request = urllib.request.Request(url, data, headers or {})  # noqa: S310  # the server above
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # the same
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def by_urllib3(url, headers=None, data=None):
    """Return status and body of what urllib3 gets."""
    urllib3 = pytest.importorskip("urllib3")
    with urllib3.PoolManager(retries=urllib3.Retry(3, connect=0, read=0)) as pool:
        answer = pool.request("POST" if data else "GET", url, body=data, headers=headers)
        return answer.status, answer.data


def by_requests(url, headers=None, data=None):
    """Return status and body of what requests gets."""
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request("POST" if data else "GET", url, data=data, headers=headers)
        return answer.status_code, answer.content


def by_httpx(url, headers=None, data=None):
    """Return status and body of what httpx gets."""
    httpx = pytest.importorskip("httpx")
    with httpx.Client(follow_redirects=True, trust_env=False) as client:
        answer = client.request("POST" if data else "GET", url, content=data, headers=headers)
        return answer.status_code, answer.content


def by_httpx_async(url, headers=None, data=None):
    """Return status and body of what httpx, async, gets."""
    httpx = pytest.importorskip("httpx")

    async def send():
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
            method = "POST" if data else "GET"
            answer = await client.request(method, url, content=data, headers=headers)
            return answer.status_code, answer.content

    return asyncio.run(send())


def by_aiohttp(url, headers=None, data=None):
    """Return status and body of what aiohttp gets."""
    aiohttp = pytest.importorskip("aiohttp")

    async def send():
        async with aiohttp.ClientSession() as session:
            method = "POST" if data else "GET"
            async with session.request(method, url, data=data, headers=headers) as answer:
                return answer.status, await answer.read()

    return asyncio.run(send())


CLIENTS = (
    by_http_client,
    by_urllib,
    by_urllib3,
    by_requests,
    by_httpx,
    by_httpx_async,
    by_aiohttp,
)
FOLLOW = CLIENTS[1:]
each = pytest.mark.parametrize("get", CLIENTS, ids=lambda get: get.__name__)
each_that_follows = pytest.mark.parametrize("get", FOLLOW, ids=lambda get: get.__name__)


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def spans(captured):
    """Return the lines of HTTP requests."""
    return [line for line in captured.all("span") if line.get("operation", "").startswith("http.")]


@each
def test_one_request_is_one_span(get, captured, context, server, listed):
    """Whatever libraries stand upon each other; announced before, its header the span's."""
    server.headers = APIGW

    assert run(context, lambda: get(server.url("/sales?token=secret"))) == (200, b"hello")

    [told] = spans(captured)
    opened = [line["open"] for line in captured.lines if "open" in line]
    assert [entry[:3] for entry in opened] == [[told["spanId"], "http.GET", "127.0.0.1"]]
    assert (told["operation"], told["resource"], told["kind"]) == (
        "http.GET",
        "127.0.0.1",
        "CLIENT",
    )
    assert (told["httpStatus"], told["linkOut"]) == (200, ["apigw:JKJaXmPLvHcESHA="])
    assert told["attributes"] == {
        "url.full": server.url("/sales"),
        "server.address": "127.0.0.1",
    }
    assert "status" not in told
    assert server.traceparents() == [f"00-{told['traceId']}-{told['spanId']}-01"]
    assert told["parentSpanId"] == captured.one("invocation")["spanId"]


@each
def test_the_ids_of_an_answer_out_of_a_cache_are_no_link_keys(get, captured, context, server):
    """They are of the request that filled it: a stranger's transaction."""
    server.headers = {**APIGW, "x-amz-apigw-id": "AbC=", "Age": "31"}

    assert run(context, lambda: get(server.url())) == (200, b"hello")

    assert "linkOut" not in spans(captured)[0]


@each
@pytest.mark.parametrize("data", [None, b"hello world"], ids=["get", "post"])
def test_the_server_sees_one_header_more(get, data, captured, context, server, listed):
    """And every other byte as it would be without."""
    headers = {"X-One": "1", "accept": "x/y"}
    url = server.url("/a%20b?x=1&y=")
    plain = get(url, dict(headers), data)

    answer = run(context, lambda: get(url, headers, data))

    assert answer == plain
    assert headers == {"X-One": "1", "accept": "x/y"}
    without, with_ours = server.heads
    lines = with_ours.split(b"\r\n")
    added = [line for line in lines if line.lower().startswith(b"traceparent:")]
    assert len(added) == 1
    assert b"\r\n".join(line for line in lines if line not in added) == without
    assert server.bodies[0] == server.bodies[1]


@each
def test_a_host_off_the_list_gets_no_header(get, captured, context, server):
    """Not one byte differs; the request is a span all the same."""
    get(server.url())

    run(context, lambda: get(server.url()))

    assert server.heads[0] == server.heads[1]
    assert len(spans(captured)) == 1
    assert "notInjected" not in spans(captured)[0]


@each
@pytest.mark.parametrize("path", ["/", "/hangup"])
def test_nothing_stays_at_hand_when_a_request_has_ended(get, path, captured, context, server):
    """What comes next is nobody's but its own."""

    def work():
        with suppress(Exception):
            get(server.url(path))
        return at_hand.get()

    assert run(context, work) is None


@each
def test_what_an_aws_call_sends_is_no_request_of_its_own(get, captured, context, server, listed):
    """The call is a span already, whatever library its SDK stands upon."""

    def work():
        token = at_hand.set(AtHand(quiet=True))
        try:
            return get(server.url())
        finally:
            at_hand.reset(token)

    assert run(context, work) == (200, b"hello")
    assert spans(captured) == []
    assert server.traceparents() == [None]


@each_that_follows
def test_a_redirect_to_another_host_carries_nothing(get, captured, context, server, listed):
    """Each request is a span; only the host of one's own gets a header."""
    elsewhere = quote(server.url("/there", host="localhost"))

    run(context, lambda: get(server.url(f"/redirect?to={elsewhere}")))

    first, second = spans(captured)
    assert (first["httpStatus"], second["httpStatus"]) == (302, 200)
    assert (first["resource"], second["resource"]) == ("127.0.0.1", "localhost")
    assert server.traceparents() == [f"00-{first['traceId']}-{first['spanId']}-01", None]


@each_that_follows
def test_a_redirect_within_a_host_gets_a_header_of_its_own(get, captured, context, server, listed):
    """The header names the request that bears it."""
    run(context, lambda: get(server.url("/redirect?to=/there")))

    assert [t.split("-")[2] for t in server.traceparents()] == [
        told["spanId"] for told in spans(captured)
    ]


@each
def test_an_answer_of_500_and_more_is_a_failure(get, captured, context, server):
    """A 404 is an answer."""
    run(context, lambda: [get(server.url("/503")), get(server.url("/404"))])

    failed, fine = spans(captured)
    assert (failed["status"], failed["httpStatus"]) == (2, 503)
    assert failed["error"] == {"type": "503", "message": "127.0.0.1 answered 503"}
    assert "status" not in fine


@each
def test_a_request_without_an_answer_is_a_failure(get, captured, context, server):
    """What is raised is what would be: type, text, and frame by frame."""

    def attempt(call):
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each library has its own
            call(lambda: get(server.url("/hangup?token=s3cret")))
        frames = [
            (frame.filename, frame.name)
            for frame in traceback.extract_tb(caught.tb)
            if "lumitrace" not in frame.filename and "test_http" not in frame.filename
        ]
        causes, error = [], caught.value
        while error is not None:
            names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            ours = [f for f in traceback.extract_tb(error.__traceback__) if _is_ours(f.filename)]
            causes.append((type(error), names, [f.name for f in ours]))
            error = error.__cause__ or error.__context__
        return type(caught.value), str(caught.value).split("0x")[0], frames, causes

    plain = attempt(lambda work: work())
    with_ours = attempt(lambda work: run(context, work))

    assert with_ours[:3] == plain[:3]
    assert len(with_ours[3]) == len(plain[3])
    if sys.version_info >= (3, 11):  # before, one frame stays where something stands outside ours
        assert [ours for _, _, ours in with_ours[3]] == [[]] * len(plain[3])
    [told] = spans(captured)
    assert (told["status"], told["httpStatus"]) == (2, 0)
    assert told["error"]["type"]
    assert "s3cret" not in "".join(captured.text)


def test_an_errors_text_holds_no_query(captured, context, server):
    """A library may name the whole URL in what it raises."""

    class Blunt(http.client.HTTPConnection):
        def connect(self):
            raise OSError("cannot send /pay?card=4111")

    with pytest.raises(OSError, match="card=4111"):
        run(context, lambda: Blunt("api.example.com").request("GET", "/pay?card=4111"))

    assert spans(captured)[0]["error"] == {"type": "OSError", "message": "cannot send /pay"}


def _is_ours(filename):
    return "lumitrace/capture/" in filename.replace("\\", "/") and "tests" not in filename


@each
def test_a_connection_that_is_refused_is_announced(get, captured, context, server):
    """What hangs or fails while it is opened has left its name."""
    server.shutdown()
    server.server_close()

    with pytest.raises(Exception):  # noqa: B017, PT011  # each library has its own
        run(context, lambda: get(server.url("/gone")))

    [told] = spans(captured)
    assert told["error"]["type"]
    assert any("open" in line for line in captured.lines)


@each
@pytest.mark.parametrize("name", ["traceparent", "TraceParent", "TRACEPARENT"])
def test_the_callers_own_header_wins(get, name, captured, context, server, listed):
    """Whatever its case: it goes as it was."""
    own = "00-" + "a" * 32 + "-" + "b" * 16 + "-00"

    run(context, lambda: get(server.url(), {name: own}))

    assert server.traceparents() == [own]
    assert spans(captured)[0]["notInjected"] == "own-traceparent"


SIGNED = (
    ("/", {"Authorization": "AWS4-HMAC-SHA256 Credential=AKID/x, Signature=y"}),
    ("/", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}),
    ("/k?X-Amz-Signature=abc", {}),
)


@each
@pytest.mark.parametrize(("path", "headers"), SIGNED, ids=["header", "sha256", "query"])
def test_a_signed_request_gets_no_header(get, path, headers, captured, context, server, listed):
    """AWS would be right to refuse one that came later than the signature."""
    run(context, lambda: get(server.url(path), headers))

    assert server.traceparents() == [None]
    assert spans(captured)[0]["notInjected"] == "signed-request"


@each
def test_nothing_is_told_outside_an_invocation(get, captured, context, server, listed):
    """No span, no header, and the method is the library's own."""
    run(context, lambda: None)

    get(server.url())

    assert spans(captured) == []
    assert server.traceparents() == [None]
    assert isinstance(http.client.HTTPConnection("a.example").getresponse, MethodType)


@each
def test_no_context_goes_out_where_none_may(get, captured, context, server, listed):
    """LUMITRACE_INJECT=none counts for HTTP too."""
    settings.inject = False

    run(context, lambda: get(server.url()))

    assert server.traceparents() == [None]
    assert "notInjected" not in spans(captured)[0]


@each
def test_a_step_of_ones_own_is_the_parent(get, captured, context, server, listed):
    """Sync and in tasks."""

    def work():
        with span("price"):
            get(server.url())

    run(context, work)

    [step] = [line for line in captured.all("span") if line["name"] == "price"]
    assert spans(captured)[0]["parentSpanId"] == step["spanId"]


def test_headers_of_every_form_stay_as_they_are(captured, context, server, listed):
    """Immutable maps, lists of pairs, names in bytes."""
    httpx = pytest.importorskip("httpx")
    fixed = MappingProxyType({"X-A": "1"})
    pairs = [(b"X-B", b"1"), (b"X-B", b"2")]

    def work():
        by_http_client(server.url(), fixed)
        httpx.get(server.url(), headers=pairs, trust_env=False)

    run(context, work)

    assert pairs == [(b"X-B", b"1"), (b"X-B", b"2")]
    assert None not in server.traceparents()
    assert server.heads[1].count(b"X-B: ") == 2


def test_what_the_caller_holds_shows_no_header(captured, context, server, listed):
    """The request objects of httpx and requests are the caller's: both stay as they were."""
    httpx = pytest.importorskip("httpx")
    requests = pytest.importorskip("requests")

    def work():
        with httpx.Client(trust_env=False) as client:
            request = client.build_request("GET", server.url())
            response = client.send(request)
        return request, response.request, requests.get(server.url(), timeout=60).request

    shown = run(context, work)

    assert None not in server.traceparents()
    assert ["traceparent" in request.headers for request in shown] == [False] * 3


def test_a_body_is_not_read(captured, context, server):
    """What is streamed is the caller's to read; the span ends with the head."""
    httpx = pytest.importorskip("httpx")
    requests = pytest.importorskip("requests")

    def work():
        with httpx.Client(trust_env=False) as client, client.stream("GET", server.url()) as answer:
            assert not answer.is_stream_consumed
            told = len(spans(captured))
        with requests.get(server.url(), stream=True, timeout=60) as answer:
            return told, answer.raw.read(2)

    assert run(context, work)[1] == b"he"
    assert len(spans(captured)) == 2


def test_several_requests_at_once_have_their_own_spans(captured, context, server, listed):
    """Tasks of asyncio: each header names its own span."""
    aiohttp = pytest.importorskip("aiohttp")

    async def work():
        async with aiohttp.ClientSession() as session:

            async def one(number):
                with span(f"step {number}"):
                    async with session.get(server.url(f"/{number + 200}")) as answer:
                        return answer.status

            return await asyncio.gather(*map(one, (0, 0, 0, 0)))

    run(context, lambda: asyncio.run(work()))

    ids = {told["spanId"] for told in spans(captured)}
    assert {t.split("-")[2] for t in server.traceparents()} == ids
    assert len(ids) == 4
    assert len({told["parentSpanId"] for told in spans(captured)}) == 4


def test_a_library_that_others_patch_too_still_tells(captured, context, server, monkeypatch):
    """Another tracer wraps our door as it would wrap the method."""
    wrapt = pytest.importorskip("wrapt")
    doors.install()
    seen = []

    def other(wrapped, instance, args, kwargs):
        seen.append(type(instance).__name__)
        return wrapped(*args, **kwargs)

    method = http.client.HTTPConnection.__dict__["getresponse"]
    monkeypatch.setattr(
        http.client.HTTPConnection, "getresponse", wrapt.FunctionWrapper(method, other)
    )

    run(context, lambda: by_http_client(server.url()))

    assert seen == ["HTTPConnection"]
    assert spans(captured)[0]["httpStatus"] == 200


def test_patching_twice_adds_nothing():
    """A door is not put before a door."""
    doors.install()
    door = http.client.HTTPConnection.__dict__["endheaders"]

    doors.patch("http.client", http.client)

    assert http.client.HTTPConnection.__dict__["endheaders"] is door
    assert type(door.__wrapped__) is type(doors.patch)


def test_botocores_own_requests_are_no_spans(captured, context, server, aws, listed):
    """An AWS call is a span already, and a header more would not be signed."""
    pytest.importorskip("botocore")
    table = aws.session.create_client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=server.url(),
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
    )

    server.answer = b"{}"

    run(context, lambda: table.list_tables())

    assert spans(captured) == []
    assert server.traceparents() == [None] * len(server.heads)
    assert server.heads


LINKS = (
    ("api.example.com", {"x-amz-apigw-id": "a="}, ["apigw:a="]),
    ("api.example.com", {"x-amzn-requestid": "r"}, []),
    ("abc.lambda-url.eu-west-1.on.aws", {"x-amzn-requestid": "r"}, ["lambda:r"]),
)


@pytest.mark.parametrize(("host", "headers", "keys"), LINKS)
def test_an_answers_ids_are_link_keys(host, headers, keys, captured, context, server, monkeypatch):
    """API Gateway's of any host, Lambda's of a function URL alone."""
    import socket

    server.headers = headers
    connect = socket.create_connection
    monkeypatch.setattr(
        "socket.create_connection",
        lambda address, *rest, **more: connect(server.server_address, *rest, **more),
    )

    run(context, lambda: by_http_client(f"http://{host}:80/"))

    assert spans(captured)[0].get("linkOut", []) == keys
    assert spans(captured)[0]["attributes"]["url.full"] == f"http://{host}/"
    assert (server.traceparents() != [None]) == (".on.aws" in host)


HOSTS = (
    ("", "a1.execute-api.eu-west-1.amazonaws.com", True),
    ("", "abc.lambda-url.us-east-1.on.aws", True),
    ("", "execute-api.eu-west-1.amazonaws.com", False),
    ("", "a1.execute-api.eu-west-1.amazonaws.com.evil.example", False),
    ("", "sqs.eu-west-1.amazonaws.com", False),
    ("", "api.example.com", False),
    ("none", "a1.execute-api.eu-west-1.amazonaws.com", False),
    ("*.example.com", "api.example.com", True),
    ("*.example.com", "a.b.example.com", True),
    ("*.example.com", "example.com", False),
    ("*.example.com", "badexample.com", False),
    ("*.example.com, api.shop.example", "api.shop.example", True),
    ("*.example.com", "a1.execute-api.eu-west-1.amazonaws.com", True),
    ("none,*.example.com", "api.example.com", True),
    ("none,*.example.com", "abc.lambda-url.us-east-1.on.aws", False),
)


@pytest.mark.parametrize(("value", "host", "expected"), HOSTS)
def test_the_list_of_hosts(value, host, expected):
    """The default ones, one's own beside them, and none."""
    from lumitrace.capture.integrations import _request

    settings.load({"LUMITRACE_HTTP_HOSTS": value})

    assert _request.is_listed(host) is expected
    assert settings.wrong == []


@pytest.mark.parametrize("value", ["*", "https://x.example/", "*.*", "a b"])
def test_a_list_that_is_not_understood_is_reported(value):
    """Every host is nobody's own: the default holds."""
    settings.load({"LUMITRACE_HTTP_HOSTS": value})

    assert len(settings.wrong) == 1
    assert len(settings.http_hosts) == 2


def test_a_function_without_http_loads_nothing_for_it(tmp_path):
    """Of what an HTTP call needs, a function that makes none loads one file, and not wrapt."""
    import os
    import subprocess

    program = """
import http.client, sys
import lumitrace
handler = lumitrace.traced(lambda event, context: None)
handler({}, None)
import concurrent.futures.thread
names = "integrations.", "doors", "wrapt"
print(sorted(module for module in sys.modules if any(name in module for name in names)))
"""
    source = str(Path(doors.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": source, "AWS_LAMBDA_FUNCTION_NAME": "f"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "['lumitrace.capture.doors']"


def test_our_own_failure_is_not_the_callers(captured, context, server, monkeypatch):
    """A request goes out and its answer comes back, whatever breaks in us."""
    from lumitrace.capture.guard import reporter

    reporter.reraise = False
    for name in ("begin", "end", "header"):
        monkeypatch.setattr(
            f"lumitrace.capture.integrations._request.{name}", functools.partial(_broken, name)
        )

    answers = run(context, lambda: [get(server.url()) for get in CLIENTS if _is_there(get)])

    assert set(answers) == {(200, b"hello")}
    reporter.waiting.clear()


def _is_there(get):
    name = get.__name__.removeprefix("by_").removesuffix("_async")
    return name in ("http_client", "urllib") or importlib.util.find_spec(name) is not None


def _broken(name, *_args, **_kwargs):
    raise RuntimeError(name)


def test_testing_sees_requests(context, server):
    """A user's own test sees them as it sees AWS calls."""
    with testing.capture() as captured:
        run(context, lambda: by_urllib(server.url()))

    assert len(spans(captured)) == 1
