"""Which source brings which of a template's events to a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .sources.dynamodb_streams import DynamoDBSource
from .sources.eventbridge import EventBridgeSource
from .sources.kinesis import KinesisSource
from .sources.s3 import S3Source
from .sources.sns import SnsSource
from .sources.sqs import POLLERS, SqsSource
from .template import TemplateError

if TYPE_CHECKING:
    from .activity import Activity
    from .clients import Clients
    from .endpoint import Endpoint
    from .lambda_platform import Platform
    from .resources import Made
    from .sources.source import Source
    from .template import Event, Function


class EventSources:
    """Makes them, starts them, and ends them together."""

    def __init__(
        self,
        platform: Platform,
        clients: Clients,
        endpoint: Endpoint,
        activity: Activity,
        max_window_s: float | None,
    ) -> None:
        """Make none yet; *max_window_s* cuts the template's batching windows short."""
        self._platform = platform
        self._clients = clients
        self._endpoint = endpoint
        self._activity = activity
        self._max_window_s = max_window_s
        self._all: list[Source] = []

    def connect(self, function: Function, event: Event, made: Made) -> None:
        """Bring the function what *event* names, from now on.

        Raises:
            TemplateError: The queue is not in the template.
        """
        source = self._source(function.name, event, made)
        if source is not None:
            self._all.append(source)
            source.start(POLLERS if event.type == "SQS" else 1)

    def busy(self) -> list[str]:
        """Return the names of those that have work to hand over."""
        return [source.name for source in self._all if not source.quiet()]

    def stop(self) -> None:
        """Poll no more."""
        for source in self._all:
            source.stop()

    def join(self) -> None:
        """Wait until the threads have ended, but not for long."""
        for source in self._all:
            source.join()
        self._all.clear()

    def _source(self, function: str, event: Event, made: Made) -> Source | None:
        properties = dict(event.properties)
        polled = self._polled(event.type, function, properties, made)
        if polled is not None:
            return polled
        platform, clients = self._platform, self._clients
        if event.type == "SNS":
            return SnsSource(platform, clients, self._endpoint, function, properties)
        if event.type == "S3":
            return S3Source(platform, clients, self._endpoint, function, properties)
        if event.type == "EventBridgeRule":
            return EventBridgeSource(platform, clients, function, properties)
        return None  # Api, HttpApi: ApiGateway asks for those itself

    def _polled(
        self, event_type: str, function: str, properties: dict[str, Any], made: Made
    ) -> Source | None:
        """Return a queue or a stream that Lambda polls, in batches; None for other types."""
        platform, clients = self._platform, self._clients
        window_s = float(properties.get("MaximumBatchingWindowInSeconds", 0))
        if self._max_window_s is not None:
            window_s = min(window_s, self._max_window_s)
        if event_type == "SQS":
            url = made.queue_urls.get(properties["Queue"])
            if url is None:
                message = f"{function}: the queue {properties['Queue']} is not in the template"
                raise TemplateError(message)
            return SqsSource(platform, clients, function, properties, url, window_s)
        if event_type == "DynamoDB":
            return DynamoDBSource(
                platform, clients.streams, self._activity, function, properties, window_s
            )
        if event_type == "Kinesis":
            return KinesisSource(
                platform, clients.kinesis, self._activity, function, properties, window_s
            )
        return None
