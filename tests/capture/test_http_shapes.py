"""Requests of every shape: TLS, proxies, streams, redirects, retries, WebSockets, cut off.

Each library does what it would do without us, and the span says how it went.
"""

import asyncio
import functools
import gc
import http.client
import importlib.util
import os
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lumitrace import span, traced
from lumitrace.capture.config import settings
from lumitrace.capture.current import process

CUT_OFF = 0.05  # seconds that a client waits for a server that never answers
PATIENCE_S = 60  # for one that does, on a machine that has other work


@pytest.fixture
def listed(_fresh):
    """This machine is one of one's own hosts, by its number; not by its name."""
    settings.http_hosts = (("127", "0", "0", "1"),)


def start(**said):
    """Return a server."""
    path = Path(__file__).with_name("http_server.py")
    spec = importlib.util.spec_from_file_location("lumitrace_http_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Server(**said)


@pytest.fixture
def other():
    """A second server."""
    server = start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and the file of its certificate."""
    trustme = pytest.importorskip("trustme")
    made = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, str(path)


@pytest.fixture
def secure(authority):
    """A server that speaks TLS."""
    made, _ = authority
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(tls)
    server = start(tls=tls)
    yield server
    server.shutdown()
    server.server_close()


def trust(cafile):
    """Return what a client needs to trust *cafile*, None where there is none."""
    return ssl.create_default_context(cafile=cafile) if cafile else None


def by_http_client(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each, on one connection."""
    parts = urlsplit(urls[0])
    where = urlsplit(proxy or urls[0])
    if parts.scheme == "https":
        made = http.client.HTTPSConnection
        connection = made(where.hostname, where.port, timeout=timeout, context=trust(cafile))
    else:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout)
    if proxy and parts.scheme == "https":
        connection.set_tunnel(parts.hostname, parts.port)
    found = []
    try:
        for url in urls:
            path = urlsplit(url).path
            target = url if proxy and parts.scheme == "http" else path
            connection.request("POST" if data else "GET", target, data)
            answer = connection.getresponse()
            found.append((answer.status, answer.read()))
    finally:
        connection.close()
    return found


def by_urllib(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    handlers = [urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})]
    if cafile:
        handlers.append(urllib.request.HTTPSHandler(context=trust(cafile)))
    opener, found = urllib.request.build_opener(*handlers), []
    for url in urls:
        with opener.open(url, data, timeout) as answer:
            found.append((answer.status, answer.read()))
    return found


def by_urllib3(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    urllib3 = pytest.importorskip("urllib3")
    made = functools.partial(urllib3.ProxyManager, proxy) if proxy else urllib3.PoolManager
    retries = urllib3.Retry(3, connect=0, read=0)
    with made(retries=retries, ca_certs=cafile, timeout=timeout) as pool:
        answers = [pool.request("POST" if data else "GET", url, body=data) for url in urls]
        return [(answer.status, answer.data) for answer in answers]


def by_requests(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.trust_env = False
        session.verify = cafile or True
        session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        method = "POST" if data else "GET"
        answers = [session.request(method, url, data=data, timeout=timeout) for url in urls]
        return [(answer.status_code, answer.content) for answer in answers]


def by_httpx(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    httpx = pytest.importorskip("httpx")
    limit = httpx.Timeout(PATIENCE_S, read=timeout)  # to connect takes turns of the loop
    said = {"verify": trust(cafile) or True, "proxy": proxy, "timeout": limit}
    with httpx.Client(follow_redirects=True, trust_env=False, **said) as client:
        method = "POST" if data else "GET"
        answers = [client.request(method, url, content=data) for url in urls]
        return [(answer.status_code, answer.content) for answer in answers]


def by_httpx_async(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    httpx = pytest.importorskip("httpx")
    if data is not None and not isinstance(data, bytes):
        data = _each_later(list(data))
    limit = httpx.Timeout(PATIENCE_S, read=timeout)  # to connect takes turns of the loop
    said = {"verify": trust(cafile) or True, "proxy": proxy, "timeout": limit}

    async def send():
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False, **said) as client:
            method = "POST" if data else "GET"
            answers = [await client.request(method, url, content=data) for url in urls]
            return [(answer.status_code, answer.content) for answer in answers]

    return asyncio.run(send())


def by_aiohttp(urls, data=None, cafile=None, proxy=None, timeout=PATIENCE_S):
    """Return status and body of each."""
    aiohttp = pytest.importorskip("aiohttp")
    if data is not None and not isinstance(data, bytes):
        data = _each_later(list(data))
    said = {"ssl": trust(cafile) or True, "proxy": proxy}

    async def send():
        found, limit = [], aiohttp.ClientTimeout(timeout)
        async with aiohttp.ClientSession(timeout=limit) as session:
            for url in urls:
                method = "POST" if data else "GET"
                async with session.request(method, url, data=data, **said) as answer:
                    found.append((answer.status, await answer.read()))
        return found

    return asyncio.run(send())


async def _each_later(parts):
    for part in parts:
        await asyncio.sleep(0)
        yield part


CLIENTS = (
    by_http_client,
    by_urllib,
    by_urllib3,
    by_requests,
    by_httpx,
    by_httpx_async,
    by_aiohttp,
)
each = pytest.mark.parametrize("get", CLIENTS, ids=lambda get: get.__name__)
each_that_follows = pytest.mark.parametrize("get", CLIENTS[1:], ids=lambda get: get.__name__)
each_that_posts_again = pytest.mark.parametrize("get", CLIENTS[2:], ids=lambda get: get.__name__)


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def spans(captured):
    """Return the lines of HTTP requests."""
    return [line for line in captured.all("span") if line.get("operation", "").startswith("http.")]


def left_open(captured):
    """Return the ids that were announced and never ended."""
    opened = {line["open"][0] for line in captured.lines if "open" in line}
    return opened - {told["spanId"] for told in spans(captured)}


def headers_of(told):
    """Return the header that names the span *told*."""
    return f"00-{told['traceId']}-{told['spanId']}-01"


URLS = (
    ("::1", 8080, "/a?token=x#y", "http://[::1]:8080/a"),
    ("shop.example.", 80, "/a#token", "http://shop.example/a"),
    ("shop.example", 443, "/", "http://shop.example:443/"),
    ("shop.example", 80, "http://user:word@Api.Example:80/a?b", "http://api.example/a"),
)


@pytest.mark.parametrize(("host", "port", "target", "expected"), URLS)
def test_how_a_url_is_told(host, port, target, expected, captured, context):  # a row
    """Without what may be secret, and without what goes without saying."""

    class Nowhere(http.client.HTTPConnection):
        def connect(self):
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011  # it has no text
        run(context, lambda: Nowhere(host, port).request("GET", target))

    assert spans(captured)[0]["attributes"]["url.full"] == expected


@each
def test_tls(get, captured, context, secure, authority, listed):
    """A span whose URL says so; the header inside."""
    url = secure.url("/sales")

    assert run(context, lambda: get([url], cafile=authority[1])) == [(200, b"hello")]

    [told] = spans(captured)
    assert told["attributes"]["url.full"] == url
    assert secure.traceparents() == [headers_of(told)]


@each
def test_a_certificate_that_is_not_trusted_is_a_failure(get, captured, context, secure):
    """The library's own exception, told as what failed."""
    with pytest.raises(Exception) as plain:  # noqa: PT011  # each library has its own
        get([secure.url()])

    with pytest.raises(type(plain.value)):
        run(context, lambda: get([secure.url()]))

    told = spans(captured)[0]  # urllib3 tries again
    assert (told["status"], told["httpStatus"]) == (2, 0)
    assert "CERT" in told["error"]["message"].upper()


@each
def test_a_tunnel_through_a_proxy(get, captured, context, server, secure, authority, listed):
    """The request inside is told, by its own host; the proxy sees no header of ours."""
    url = secure.url("/sales")

    answer = run(context, lambda: get([url], cafile=authority[1], proxy=server.url()))

    assert answer == [(200, b"hello")]
    [told] = spans(captured)
    assert (told["operation"], told["httpStatus"]) == ("http.GET", 200)
    assert told["attributes"]["url.full"] == url
    assert secure.traceparents() == [headers_of(told)]
    assert server.heads[0].startswith(b"CONNECT ")
    assert server.traceparents() == [None]


@each
def test_a_plain_proxy(get, captured, context, server, other, listed):
    """It gets the whole URL; the span names the host that is asked."""
    answer = run(context, lambda: get([other.url("/sales")], proxy=server.url()))

    assert answer == [(200, b"hello")]
    [told] = spans(captured)
    assert told["attributes"]["url.full"] == other.url("/sales")
    assert server.traceparents() == [headers_of(told)]


@each
def test_a_connection_that_is_kept(get, captured, context, server, listed):
    """Each request on it is a span and bears its own header; no connection more than without."""
    urls = [server.url(f"/{code}") for code in (200, 200, 200)]
    get(urls)
    plain = server.connections

    run(context, lambda: get(urls))

    assert server.connections == 2 * plain
    assert server.traceparents()[3:] == [headers_of(told) for told in spans(captured)]
    assert left_open(captured) == set()


@each
def test_a_chunked_answer_and_a_streamed_body(get, captured, context, server, listed):
    """What is streamed is read once, by the library alone."""
    read = []

    def parts():
        for part in (b"hello ", b"world"):
            read.append(part)
            yield part

    plain = get([server.url("/chunked")], data=parts())
    with_ours = run(context, lambda: get([server.url("/chunked")], data=parts()))

    assert with_ours == plain == [(200, b"hello")]
    assert read == [b"hello ", b"world"] * 2
    assert server.bodies[0] == server.bodies[1] != b""
    assert spans(captured)[0]["operation"] == "http.POST"


@each_that_follows
@pytest.mark.parametrize("status", [303, 307])
def test_a_redirect_to_another_host(get, status, captured, context, server, other, listed):
    """Nothing of ours goes along, not even where the library carries all headers."""
    target = other.url("/there", host="localhost")
    url = server.url(f"/redirect?status={status}&to={target}")
    get([url])

    run(context, lambda: get([url]))

    first, second = spans(captured)
    assert (first["httpStatus"], second["httpStatus"]) == (status, 200)
    assert (first["resource"], second["resource"]) == ("127.0.0.1", "localhost")
    assert server.traceparents() == [None, headers_of(first)]
    assert other.traceparents() == [None, None]
    assert other.heads[0] == other.heads[1]


@each_that_posts_again
def test_a_body_goes_along_a_307(get, captured, context, server, other, listed):
    """As the library would send it."""
    target = other.url("/there", host="localhost")
    url = server.url(f"/redirect?status=307&to={target}")
    get([url], data=b"hello world")

    run(context, lambda: get([url], data=b"hello world"))

    assert [told["operation"] for told in spans(captured)] == ["http.POST"] * 2
    assert other.bodies == [b"hello world"] * 2
    assert other.heads[0] == other.heads[1]


def test_what_httpx_asks_of_httpcore_goes_along_with_the_header(captured, context, server, listed):
    """Time limits, names for TLS and the caller's trace travel beside a request."""
    httpx = pytest.importorskip("httpx")
    seen = []

    def work():
        beside = {"trace": lambda name, info: seen.append(name)}
        with httpx.Client(trust_env=False) as client:
            return client.get(server.url(), extensions=beside).status_code

    assert run(context, work) == 200
    assert server.traceparents() != [None]
    assert "http11.send_request_headers.started" in seen


@each
def test_a_time_limit(get, captured, context, server):
    """The library's own exception; the span has ended and failed."""
    with pytest.raises(Exception) as plain:  # noqa: PT011  # each library has its own
        get([server.url("/never")], timeout=CUT_OFF)

    with pytest.raises(type(plain.value)):
        run(context, lambda: get([server.url("/never")], timeout=CUT_OFF))

    [told] = spans(captured)
    assert (told["status"], told["httpStatus"]) == (2, 0)
    assert left_open(captured) == set()


def test_each_retry_of_urllib3_is_a_request(captured, context, server, listed):
    """Hung up on twice: three spans, three headers, and the answer of the third."""
    urllib3 = pytest.importorskip("urllib3")
    server.failures = 2

    def work():
        with urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=0)) as pool:
            return pool.request("GET", server.url()).status

    assert run(context, work) == 200

    told = spans(captured)
    assert [one["httpStatus"] for one in told] == [0, 0, 200]
    assert server.traceparents() == [headers_of(one) for one in told]


def test_each_retry_by_status_is_a_request(captured, context, server, listed):
    """A 503 that urllib3 tries again."""
    requests = pytest.importorskip("requests")
    urllib3 = pytest.importorskip("urllib3")
    again = urllib3.Retry(1, status_forcelist=[503], backoff_factor=0, raise_on_status=False)

    def work():
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=again))
            return session.get(server.url("/503"), timeout=PATIENCE_S).status_code

    assert run(context, work) == 503

    assert [told["httpStatus"] for told in spans(captured)] == [503, 503]
    assert server.traceparents() == [headers_of(told) for told in spans(captured)]


def test_an_answer_that_is_never_read(captured, context, server):
    """It has ended with its head, and holds no connection longer than it would."""
    requests = pytest.importorskip("requests")

    def work():
        with requests.Session() as session:
            session.trust_env = False
            session.get(server.url(), stream=True, timeout=PATIENCE_S)
            session.get(server.url(), stream=True, timeout=PATIENCE_S)
            connections = server.connections
            gc.collect()
            session.get(server.url(), timeout=PATIENCE_S)
            return connections

    plain = work(), server.connections

    assert (run(context, work) - plain[1], server.connections - plain[1]) == plain
    assert [told["httpStatus"] for told in spans(captured)] == [200] * 3


LIBRARIES = ("aiohttp", "httpx")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_task_that_is_cancelled(library, captured, context, server):
    """Its request ends as it was cut off; the tasks beside it are as they were."""
    module = pytest.importorskip(library)

    async def ask(path):
        if library == "httpx":
            async with module.AsyncClient(trust_env=False) as client:
                return (await client.get(server.url(path))).status_code
        async with module.ClientSession() as session, session.get(server.url(path)) as answer:
            return answer.status

    async def work():
        slow = asyncio.create_task(ask("/never"))
        await asyncio.to_thread(server.waiting.wait)
        slow.cancel()
        results = await asyncio.gather(slow, ask("/"), return_exceptions=True)
        return [type(results[0]), results[1]]

    def handler():
        with span("step"):
            return asyncio.run(work())

    assert run(context, handler) == [asyncio.CancelledError, 200]

    first, second = spans(captured)
    assert (first["error"]["type"], second["httpStatus"]) == ("CancelledError", 200)
    assert first["parentSpanId"] == second["parentSpanId"]
    assert left_open(captured) == set()


def test_a_request_that_a_middleware_of_aiohttp_sends_again(captured, context, server, listed):
    """The request object is the same; each time it bears the header of its own span."""
    aiohttp = pytest.importorskip("aiohttp", minversion="3.12")
    server.status = 503

    async def again(request, handler):
        answer = await handler(request)
        server.status = 200
        answer.release()
        return await handler(request)

    async def work():
        async with (
            aiohttp.ClientSession(middlewares=(again,)) as session,
            session.get(server.url()) as answer,
        ):
            return answer.status

    assert run(context, lambda: asyncio.run(work())) == 200

    assert server.traceparents() == [headers_of(told) for told in spans(captured)]
    assert ["notInjected" in told for told in spans(captured)] == [False, False]


def test_a_websocket_of_aiohttp(captured, context, server, listed):
    """The handshake is a request, which has ended while the socket lives on."""
    aiohttp = pytest.importorskip("aiohttp")

    async def work():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(server.url("/echo")) as socket,
        ):
            told = process.active.spans
            await socket.send_str("one")
            first = (await socket.receive()).data
            async with session.get(server.url()) as answer:
                status = answer.status
            await socket.send_str("two")
            return told, first, status, (await socket.receive()).data

    assert run(context, lambda: asyncio.run(work())) == (1, "one", 200, "two")

    assert [told["httpStatus"] for told in spans(captured)] == [101, 200]
    assert server.traceparents() == [headers_of(told) for told in spans(captured)]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_websocket_of_httpx(is_async, captured, context, server, listed):
    """The same."""
    httpx_ws, httpx = pytest.importorskip("httpx_ws"), pytest.importorskip("httpx")

    async def later():
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            httpx_ws.aconnect_ws(server.url("/echo"), client) as socket,
        ):
            await socket.send_text("one")
            return process.active.spans, await socket.receive_text()

    def now():
        with (
            httpx.Client(trust_env=False) as client,
            httpx_ws.connect_ws(server.url("/echo"), client) as socket,
        ):
            socket.send_text("one")
            return process.active.spans, socket.receive_text()

    assert run(context, lambda: asyncio.run(later()) if is_async else now()) == (1, "one")

    [told] = spans(captured)
    assert told["httpStatus"] == 101
    assert server.traceparents() == [headers_of(told)]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_websocket_of_websockets(is_async, captured, context, server, listed):
    """It sends its handshake by itself: no span, no header, not one byte more."""
    name = "websockets.asyncio.client" if is_async else "websockets.sync.client"
    pytest.importorskip("websockets")
    client = pytest.importorskip(name)
    url = server.url("/echo").replace("http", "ws")

    async def later():
        async with client.connect(url, proxy=None) as socket:
            await socket.send("one")
            return await socket.recv()

    def now():
        with client.connect(url, proxy=None) as socket:
            socket.send("one")
            return socket.recv()

    assert run(context, lambda: asyncio.run(later()) if is_async else now()) == "one"

    assert spans(captured) == []
    assert server.traceparents() == [None]


def send_off(server, *, path="/"):
    """Send a request by http.client, and return the connection without asking for the answer."""
    connection = http.client.HTTPConnection(*server.server_address, timeout=PATIENCE_S)
    connection.request("GET", path)
    return connection


def test_a_request_whose_answer_nobody_asks_for_ends_with_its_connection(
    captured, context, server, listed
):
    """It has no status and did not fail."""

    def work():
        connection = send_off(server)
        before = process.active.spans
        connection.close()
        connection.close()
        with span("later"):
            pass
        return before

    assert run(context, work) == 0

    [told] = spans(captured)
    assert (told["httpStatus"], "status" in told, "linkOut" in told) == (0, False, False)
    assert left_open(captured) == set()
    assert captured.lines.index(told) < captured.lines.index(captured.one("invocation"))


def test_a_connection_used_again_ends_what_was_sent_on_it(captured, context, server):
    """Closed by whoever tells nobody: the next request shows it."""

    def work():
        connection = send_off(server)
        http.client.HTTPConnection.__dict__["close"].__wrapped__(connection)
        connection.request("GET", "/404")
        status = connection.getresponse().status
        connection.close()
        return status

    assert run(context, work) == 404

    assert [told["httpStatus"] for told in spans(captured)] == [0, 404]
    assert left_open(captured) == set()


def test_a_request_left_open_ends_with_the_invocation(captured, context, server):
    """Whether its connection lives on or is gone; the next invocation is not told of it."""
    kept = []

    def work():
        kept.append(send_off(server))
        send_off(server).sock.close()
        gc.collect()

    run(context, work)
    told = spans(captured)
    status = kept[0].getresponse().status
    kept[0].close()

    assert status == 200
    assert [one["httpStatus"] for one in told] == [0, 0]
    assert len(spans(captured)) == 2
    assert left_open(captured) == set()
    ended = [one["offsetUs"] + one["durationUs"] for one in told]
    assert max(ended) <= captured.one("invocation")["durationUs"]


def test_a_forked_child_ends_nothing_of_its_parents(captured, context, server):
    """It has the connection too; the parent's answer is told by the parent."""
    from lumitrace.capture.integrations import http_client

    def work():
        connection = send_off(server)
        parent = os.getpid()
        with pytest.MonkeyPatch.context() as child:
            child.setattr(os, "getpid", lambda: parent + 1)
            child.setattr(connection, "sock", None)
            http_client.close(lambda: None, connection)
        answer = connection.getresponse()
        connection.close()
        return answer.status

    assert run(context, work) == 200

    assert [told["httpStatus"] for told in spans(captured)] == [200]
