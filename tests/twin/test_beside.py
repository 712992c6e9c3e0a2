"""Nobody can tell that lumitrace joined another tracer, whoever was first and whoever wraps whom.

The whole matrix, with tracers that are not installed here, is ``benchmarks/contract/``.
"""

from contextlib import suppress
from importlib.util import find_spec

import pytest
from tests.aws.request import Request
from tests.twin.beside import APP, FOLDERS, ORDERS, differences, environment, twice
from tests.twin.twins import Twins

from lumitrace.reassembly.deploy.layer import PTH

NEEDED = {
    "xray": "aws_xray_sdk.core",
    "powertools": "aws_lambda_powertools",
    "otel": "opentelemetry.instrumentation.boto3sqs",
}
LIBRARIES = (*NEEDED.values(), "opentelemetry.sdk.trace", "boto3")
THEIRS = {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "OTEL_TRACES_EXPORTER": "console"}
EVENTS = [{}, {"fails": True}, {}]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Return twins that find the wiring of other tracers."""
    twins = Twins(tmp_path_factory.mktemp("beside"), LIBRARIES, folders=FOLDERS)
    yield twins
    twins.stop()


def installed(name):
    """Tell whether there is a module; it is not loaded: X-Ray's opens a socket, and leaves it."""
    with suppress(ModuleNotFoundError):
        return find_spec(name) is not None
    return False


@pytest.mark.parametrize("peer", NEEDED)
def test_beside_another_tracer(stage, peer):
    """Answers, output, process and requests are those of the other alone; nothing is twice."""
    if not installed(NEEDED[peer]):
        pytest.skip(f"{peer} is not installed")
    told = {**environment("own.sends", peer), **THEIRS}
    alone = stage.run(APP, EVENTS, traced=False, environment=told)
    assert len(alone.requests) == 11 * len(EVENTS)

    for order in ORDERS:
        layer = order == "layer"
        told |= {"CONTRACT_LUMITRACE": "" if layer else order}
        more = {"pth": PTH} if layer else {}
        both = stage.run(APP, EVENTS, traced=layer, environment=told, **more)

        assert list(differences(alone, both)) == [], order


def test_what_is_twice_is_found():
    """Headers of any case, members of JSON, attributes of a form, and too many of them."""
    form = "Action=Publish" + "".join(
        f"&MessageAttributes.entry.{n}.Name={name}&MessageAttributes.entry.{n}.Value=x"
        for n, name in enumerate(["traceparent", "Traceparent", *"abcdefghi"], 1)
    )
    body = b'{"MessageAttributes": {"traceparent": {}, "traceparent": {}}}'
    head = [(b"content-type", b"application/x-www-form-urlencoded")]

    found = [
        *twice(Request(b"GET", b"/", [(b"traceparent", b"a"), (b"Traceparent", b"b")], b"")),
        *twice(Request(b"POST", b"/", [], body)),
        *twice(Request(b"POST", b"/", head, form.encode())),
    ]

    assert found == [
        "the header b'traceparent' is there twice",
        ": ['traceparent'] are there twice",
        "Publish: ['traceparent'] are there twice",
        "Publish: 11 attributes",
    ]
