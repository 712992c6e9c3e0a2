"""API Gateway: requests become events, answers become answers, as AWS documents both."""

import http.client
import json
import re
from urllib.parse import urlsplit

from local_aws.logs import messages


def ask(url, method, path, headers=None):
    """Send one request; return status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def events_of(stage, function):
    """Return the events that a probe has printed, once all is quiet."""
    stage.drain()
    return [
        json.loads(line) for line in messages(stage.clients.logs, function) if line.startswith("{")
    ]


def test_a_request_becomes_a_proxy_event_of_a_rest_api(probes):
    """Path, query, headers and both request ids are where API Gateway puts them."""
    headers = {"User-Agent": "me", "X-Twice": "once"}
    status, told, _ = ask(probes.api_url, "GET", "/things/7?a=1&a=2", headers)

    event = events_of(probes, "probe-of-api")[-1]
    assert status == 502  # the probe's answer is none for API Gateway
    assert (event["resource"], event["path"]) == ("/things/{thing}", "/things/7")
    assert (event["httpMethod"], event["pathParameters"]) == ("GET", {"thing": "7"})
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert (event["headers"]["X-Twice"], event["multiValueHeaders"]["X-Twice"]) == (
        "once",
        ["once"],
    )
    context = event["requestContext"]
    assert context["requestId"] == told["x-amzn-RequestId"]
    assert context["extendedRequestId"] == told["x-amz-apigw-id"]
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert (context["stage"], context["path"]) == ("Prod", "/Prod/things/7")
    assert event["body"] is None


def test_a_request_becomes_an_event_of_an_http_api(probes):
    """Names of headers are in lower case, what is not there is left out, an answer is a body."""
    headers = {"Host": "api.probe.example", "X-Twice": "once", "X-Amzn-RequestId": "forged"}
    status, told, body = ask(probes.http_api_url, "PUT", "/words/a?b=1&b=2", headers)

    event = events_of(probes, "probe-of-http-api")[-1]
    context = event["requestContext"]
    assert (status, json.loads(body)["environment"]["_HANDLER"]) == (200, "probe.handler")
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", told["Apigw-Requestid"])
    assert context["requestId"] == told["Apigw-Requestid"]
    assert (event["version"], event["routeKey"]) == ("2.0", "ANY /words/{word}")
    assert (event["rawPath"], event["rawQueryString"]) == ("/words/a", "b=1&b=2")
    assert (event["pathParameters"], event["queryStringParameters"]) == (
        {"word": "a"},
        {"b": "1,2"},
    )
    assert (event["headers"]["x-twice"], event["headers"]["x-amzn-requestid"]) == ("once", "forged")
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert context["http"]["method"] == "PUT"
    assert context["domainName"] == "api.probe.example"
    assert (context["stage"], context["accountId"]) == ("$default", "123456789012")
    assert not {"body", "cookies", "stageVariables"} & set(event)


def test_the_address_of_an_api_in_a_template_is_that_on_this_machine(probes):
    """Functions reach the API by the variable that the template gives them."""
    _, _, body = ask(probes.http_api_url, "GET", "/words/a")

    assert json.loads(body)["environment"]["HERE"] == f"{probes.http_api_url}/words"


def test_an_http_api_refuses_a_path_that_no_function_serves(probes):
    """Its words for it are Not Found."""
    status, _, body = ask(probes.http_api_url, "GET", "/nothing")

    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


def test_a_path_that_no_function_serves_is_refused_as_api_gateway_does(probes):
    """Its words for it are Missing Authentication Token."""
    status, _, body = ask(probes.api_url, "GET", "/nothing")

    assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})
