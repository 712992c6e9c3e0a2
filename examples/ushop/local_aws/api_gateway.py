"""API Gateway: APIs over HTTP whose routes are functions (Lambda proxy integration)."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import xray
from .http_server import LOOPBACK, Handler, Server
from .lambda_platform import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .lambda_platform import Platform
    from .template import Function

Answer = tuple[int, dict[str, str], bytes]  # status, headers, body


@dataclass(frozen=True)
class Route:
    """One route of an API: a function, and what it serves."""

    function: str
    method: str
    resource: str

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return what stands at the route's placeholders, or None where it serves another."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.resource))
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found and self.method in {method, "ANY"} else None


@dataclass
class Request:
    """One request to an API.

    Attributes:
        ids: What the client is told to find the request again: headers of the answer.
        parameters: What stands at the route's placeholders.
        headers: All values of each, with those that API Gateway adds.
        host: The name by which the client called the API.
        at: When it came, in UTC.
    """

    ids: Mapping[str, str]
    route: Route
    method: str
    path: str
    query: str
    protocol: str
    parameters: Mapping[str, str]
    headers: Mapping[str, list[str]]
    body: bytes
    host: str
    source_ip: str
    user_agent: str | None
    at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def time(self) -> str:
        """When it came, as API Gateway spells it."""
        return f"{self.at:%d/%b/%Y:%H:%M:%S} +0000"

    @property
    def epoch_ms(self) -> int:
        """When it came, in Unix milliseconds."""
        return int(self.at.timestamp() * 1000)


class Api(ABC):
    """What each kind of API does its own way.

    Attributes:
        id: By what AWS's host name calls it.
        event_type: By what a template asks for its routes.
        no_route: The answer where no route serves a request.
        failed: The answer where the function failed.
        tells_root: Whether the client is told X-Ray's root.
    """

    id: str
    event_type: str
    no_route: tuple[int, bytes]
    failed: Answer
    tells_root: bool

    @abstractmethod
    def ids(self) -> dict[str, str]:
        """Return the ids of a new request."""

    @abstractmethod
    def event(self, request: Request, account: str) -> dict[str, Any]:
        """Return what the function gets."""

    @abstractmethod
    def answer(self, payload: bytes) -> Answer:
        """Return what the function's answer says, and `failed` where it says nonsense."""

    def aws_host(self, region: str) -> str:
        """Return the host name that AWS gives it."""
        return f"{self.id}.execute-api.{region}.amazonaws.com"


class ApiGateway:
    """One API with its routes, at one address."""

    def __init__(self, api: Api, platform: Platform, functions: Iterable[Function]) -> None:
        """Listen at once; ``url`` is the address of the API's stage."""
        self.api = api
        self.platform = platform
        self.routes = [
            Route(function.name, event.properties["Method"].upper(), event.properties["Path"])
            for function in functions
            for event in function.events
            if event.type == api.event_type
        ]
        self._server = Server(_ApiHandler, self)
        self.url = f"http://{LOOPBACK}:{self._server.port}"

    @property
    def aws_url(self) -> str:
        """The address that a template's functions know it by."""
        return f"https://{self.api.aws_host(self.platform.region)}"

    def stop(self) -> None:
        """Take no more requests."""
        self._server.stop()


class _ApiHandler(Handler):
    def _serve(self) -> None:
        gateway: ApiGateway = self.server.owner  # type: ignore[attr-defined]
        api = gateway.api
        root = xray.root_of(self.headers.get("X-Amzn-Trace-Id")) or xray.new_root()
        request = self._request(gateway, self.body(), root)
        if request is None:
            status, body = api.no_route
            self.answer(status, body, api.ids())
            return
        event = json.dumps(api.event(request, gateway.platform.account)).encode()
        try:
            outcome = gateway.platform.invoke(request.route.function, event, trace_root=root)
        except TooManyRequestsError:
            status, headers, body = api.failed
        else:
            status, headers, body = api.failed if outcome.error else api.answer(outcome.payload)
        told = {"X-Amzn-Trace-Id": f"Root={root}"} if api.tells_root else {}
        self.answer(
            status, body, {"Content-Type": "application/json", **request.ids, **told, **headers}
        )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _request(self, gateway: ApiGateway, body: bytes, root: str) -> Request | None:
        """Return the request, or None where no route serves it."""
        url = urlsplit(self.path)
        for route in gateway.routes:
            parameters = route.match(self.command, url.path)
            if parameters is not None:
                return Request(
                    ids=gateway.api.ids(),
                    route=route,
                    method=self.command,
                    path=url.path,
                    query=url.query,
                    protocol=self.request_version,
                    parameters=parameters,
                    headers=self._headers(root),
                    body=body,
                    host=self._host() or gateway.api.aws_host(gateway.platform.region),
                    source_ip=self.client_address[0],
                    user_agent=self.headers.get("User-Agent"),
                )
        return None

    def _headers(self, root: str) -> dict[str, list[str]]:
        own = {
            "X-Amzn-Trace-Id": [f"Root={root}"],
            "X-Forwarded-For": [self.client_address[0]],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
        }
        replaced = {name.lower() for name in own}
        names = [name for name in self.headers if name.lower() not in replaced]
        return {**{name: self.headers.get_all(name, []) for name in names}, **own}

    def _host(self) -> str | None:
        """Return the custom domain name that the client called, or None for an address."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return host if re.search("[a-z]", host) else None
