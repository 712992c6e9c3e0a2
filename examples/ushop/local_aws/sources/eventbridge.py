"""Amazon EventBridge to Lambda: a rule whose target is a function.

Event: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .hidden_queue import HiddenQueueSource

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.lambda_platform import Platform

_TARGET = ("Input", "InputPath")


class EventBridgeSource(HiddenQueueSource):
    """One rule: every event that its pattern lets through is an asynchronous one of its own."""

    def __init__(
        self, platform: Platform, clients: Clients, function: str, properties: dict[str, Any]
    ) -> None:
        """Put the rule and its target."""
        name = properties.get("RuleName", f"{function}-rule")
        bus = properties.get("EventBusName", "default")
        rule = clients.events.put_rule(
            Name=name, EventBusName=bus, EventPattern=json.dumps(properties["Pattern"])
        )
        super().__init__(platform, clients, function, "events", rule["RuleArn"])
        target = {it: properties[it] for it in _TARGET if it in properties}
        clients.events.put_targets(
            Rule=name,
            EventBusName=bus,
            Targets=[{"Id": function, "Arn": self.queue_arn, **target}],
        )

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return it; moto leaves the account out."""
        if "detail-type" not in message:  # the rule's target gets something else
            return message
        return {"account": self._platform.account, **message}
