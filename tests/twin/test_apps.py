"""Applications of web frameworks are callable objects; they answer and fail as without us."""

import json

import pytest
from tests.twin.twins import ROOT


@pytest.mark.parametrize("framework", ["chalice", "mangum"])
@pytest.mark.parametrize("path", ["7", "fails"])
def test_an_application(twins, framework, path):
    """The answer, the error and what the framework logs are the same."""
    pytest.importorskip("chalice")
    pytest.importorskip("mangum")
    name = "api_gateway_rest" if framework == "chalice" else "api_gateway_http"
    event = json.loads((ROOT / f"tests/events/{name}.json").read_text("utf-8"))
    event.update(path=f"/{path}", rawPath=f"/{path}", resource="/{sale}", httpMethod="GET")
    event["pathParameters"], event["isBase64Encoded"] = {"sale": path}, False
    event["requestContext"].update(resourcePath="/{sale}", httpMethod="GET")
    event["requestContext"].get("http", {}).update(method="GET", path=f"/{path}")

    twin = twins.compare(f"apps.{framework}", [event, event])

    assert [it["record"] for it in twin.lines].count("invocation") == 2
