"""The stage: plays a template on this machine, from the HTTP door to the last log line."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .activity import Activity
from .api_gateway import ApiGateway
from .clients import ACCOUNT, REGION, Clients, credentials
from .endpoint import Endpoint
from .event_sources import EventSources
from .http_api import HttpApi
from .invoke_api import InvokeApi
from .lambda_platform import Platform, Settings
from .log_shipper import LogShipper
from .resources import make
from .rest_api import STAGE_NAME, RestApi
from .spawner import Spawner
from .template import Template

if TYPE_CHECKING:
    from types import TracebackType

USHOP = Path(__file__).parent.parent / "template.yaml"
_LOOK_S = 0.03


class Stage:
    """Plays AWS from ``with`` to its end; nothing it started outlives it.

    Attributes:
        endpoint_url: All of AWS but Lambda and API Gateway.
        lambda_url: Lambda's Invoke.
        api_url: The REST API; ``POST {api_url}/sales``.
        http_api_url: The HTTP API; ``GET {http_api_url}/prices/silk-scarf?amount=42.50``.
        clients: boto3 clients at *endpoint_url*.
        platform: Lambda.
    """

    endpoint_url: str
    lambda_url: str
    api_url: str
    http_api_url: str
    clients: Clients
    platform: Platform

    def __init__(
        self,
        template: Path = USHOP,
        *,
        endpoint_url: str | None = None,
        settings: Settings | None = None,
        max_batching_window_s: float | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            template: What to play.
            endpoint_url: An endpoint that runs already; without it moto is started.
            settings: How Lambda is played.
            max_batching_window_s: Cuts the template's batching windows short.
        """
        if not sys.platform.startswith("linux"):
            message = "The stage needs Linux: Lambda's runtime client runs nowhere else."
            raise OSError(message)
        self._template_path = template
        self._given_url = endpoint_url
        self._settings = settings or Settings()
        self._max_window_s = max_batching_window_s
        self._activity = Activity()
        self._sources: EventSources | None = None
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Stage:  # noqa: PYI034  # typing.Self is Python 3.11's
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def drain(self, timeout_s: float = 120.0) -> None:
        """Wait until all work is done: every queue, stream, retry, and every log line shipped.

        Raises:
            TimeoutError: Something is still under way after *timeout_s*; the message says what.
        """
        until = time.monotonic() + timeout_s
        with self._activity:  # whoever has looked before now has to look again
            pass
        while busy := self._busy():
            if time.monotonic() > until:
                message = f"still at work after {timeout_s:g} s: {', '.join(busy)}"
                raise TimeoutError(message)
            time.sleep(_LOOK_S)
        self._shipper.flush()

    def stop(self) -> None:
        """End everything; log lines that wait are shipped first."""
        if self._sources:
            self._sources.stop()
        self._parts.close()  # the last one first; one that fails does not keep the others
        if self._sources:
            self._sources.join()

    def pids(self) -> list[int]:
        """Return the ids of the processes that live: moto's and the sandboxes'."""
        names = [function.name for function in self.functions]
        pids = [sandbox.pid for name in names for sandbox in self.platform.sandboxes(name)]
        return [pid for pid in (self._endpoint.pid, *pids) if pid is not None]

    def _start(self) -> None:
        template = Template(self._template_path, account=ACCOUNT, region=REGION)
        template.learn("ServerlessRestApi", RestApi.id)
        template.learn("ServerlessHttpApi", HttpApi.id)
        spawner = self._stop_later(Spawner())
        self._endpoint = self._stop_later(Endpoint(spawner, self._given_url))
        signing = credentials(own_endpoint=self._given_url is None)
        self.endpoint_url = self._endpoint.url
        self.clients = Clients(self.endpoint_url, signing)  # takes as long as moto's start
        self._endpoint.wait()
        made = make(template, self.clients)
        self.functions = made.functions
        self._shipper = self._stop_later(LogShipper(self.clients.logs))
        self.platform = self._stop_later(
            Platform(
                made.functions,
                account=ACCOUNT,
                region=REGION,
                settings=self._settings,
                shipper=self._shipper,
                activity=self._activity,
                spawner=spawner,
            )
        )
        self._open_doors(signing)
        self._sources = EventSources(
            self.platform, self.clients, self._endpoint, self._activity, self._max_window_s
        )
        for function in made.functions:
            for event in function.events:
                self._sources.connect(function, event, made)

    def _open_doors(self, signing: dict[str, str]) -> None:
        """Listen for what comes over HTTP, and tell the functions where."""
        self.lambda_url = self._stop_later(InvokeApi(self.platform)).url
        rest = self._stop_later(ApiGateway(RestApi(), self.platform, self.functions))
        http = self._stop_later(ApiGateway(HttpApi(), self.platform, self.functions))
        self.api_url, self.http_api_url = rest.url, http.url
        self.platform.aws_environment = {
            **signing,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_LAMBDA": self.lambda_url,
        }
        self.platform.here = {
            f"{rest.aws_url}/{STAGE_NAME}": rest.url,
            http.aws_url: http.url,
        }

    def _busy(self) -> list[str]:
        version = self._activity.version
        if not self._activity.idle:
            return ["invocations"]
        busy = self._sources.busy() if self._sources else []
        return busy or (["invocations"] if self._activity.version != version else [])

    def _stop_later(self, part: Any) -> Any:
        self._parts.callback(part.stop)
        return part
