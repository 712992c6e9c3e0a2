"""Reads ``template.yaml``: the subset of SAM and CloudFormation that the stage plays.

Resources: AWS::Serverless::Function (with events of the types Api, HttpApi, SNS, SQS, DynamoDB,
EventBridgeRule, S3 and Kinesis), AWS::SNS::Topic, AWS::SNS::Subscription (to queues),
AWS::SQS::Queue, AWS::SQS::QueuePolicy, AWS::DynamoDB::Table, AWS::Kinesis::Stream, AWS::S3::Bucket.
SAM's own APIs are known as ServerlessRestApi and ServerlessHttpApi.
Of the functions: !Ref, !GetAtt, !Sub, in the short form and in the long one.
Globals for functions, Parameters with their defaults. Policies of functions are not played: nothing
is refused here. Whatever else a template holds is an error, so that the stage never plays half of
it in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped,import-not-found,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FUNCTION = "AWS::Serverless::Function"
TOPIC = "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
QUEUE = "AWS::SQS::Queue"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
TABLE = "AWS::DynamoDB::Table"
STREAM = "AWS::Kinesis::Stream"
BUCKET = "AWS::S3::Bucket"
RESOURCE_TYPES = (FUNCTION, TOPIC, SUBSCRIPTION, QUEUE, QUEUE_POLICY, TABLE, STREAM, BUCKET)
EVENT_TYPES = ("Api", "HttpApi", "SNS", "SQS", "DynamoDB", "EventBridgeRule", "S3", "Kinesis")
_IGNORED_FUNCTION_PROPERTIES = {"Policies", "Architectures", "Description", "Tags", "Runtime"}


class TemplateError(Exception):
    """The template says something that the stage cannot play."""


@dataclass(frozen=True)
class Event:
    """One event source of a function, its properties resolved."""

    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """What Lambda has to know about a function."""

    name: str
    handler: str
    code: Path
    timeout_s: float = 3.0
    memory_mb: int = 128
    max_retries: int = 2  # of asynchronous events
    reserved_concurrency: int | None = None
    log_format: str = "Text"  # or "JSON"
    environment: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def log_group(self) -> str:
        """Where its lines go."""
        return f"/aws/lambda/{self.name}"


class Template:
    """A template whose references are answered as its resources come into being."""

    def __init__(self, path: Path, *, account: str, region: str) -> None:
        """Read *path*.

        Raises:
            TemplateError: It is not there, is no template, or holds a resource of another type.
        """
        self._folder = path.parent
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # a SafeLoader
        except (OSError, yaml.YAMLError) as error:
            message = f"{path} cannot be read: {error}"
            raise TemplateError(message) from error
        if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
            message = f"{path} is no template: it has no Resources"
            raise TemplateError(message)
        self.resources: dict[str, dict[str, Any]] = document["Resources"]
        self._globals: dict[str, Any] = document.get("Globals", {}).get("Function", {})
        self._known: dict[str, str] = {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            **{
                name: str(it.get("Default", ""))
                for name, it in document.get("Parameters", {}).items()
            },
        }
        for name, resource in self.resources.items():
            if resource.get("Type") not in RESOURCE_TYPES:
                played = ", ".join(RESOURCE_TYPES)
                message = f"{name}: {resource.get('Type')} is not played here, only {played}"
                raise TemplateError(message)

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type by logical id, not yet resolved."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def learn(self, logical_id: str, ref: str, **attributes: str) -> None:
        """Take what !Ref and !GetAtt of a resource shall answer from now on."""
        self._known[logical_id] = ref
        self._known |= {f"{logical_id}.{name}": value for name, value in attributes.items()}

    def resolve(self, value: Any) -> Any:
        """Return *value* with every reference in it answered.

        Raises:
            TemplateError: A reference leads nowhere.
        """
        match value:
            case list():
                answer: Any = [self.resolve(item) for item in value]
            case {"Ref": str(name)} | {"Fn::GetAtt": str(name)}:
                answer = self._answer(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                answer = self._answer(f"{name}.{attribute}")
            case {"Fn::Sub": str(text)}:
                answer = re.sub(r"\$\{([^!}]+)\}", lambda found: self._answer(found[1]), text)
            case dict():
                answer = {_plain(name): self.resolve(item) for name, item in value.items()}
            case _:
                answer = value
        return answer

    def functions(self) -> list[Function]:
        """Return all functions, resolved; what they refer to has to be known by now."""
        properties = self.of_type(FUNCTION)
        for logical_id, own in properties.items():
            name = own.get("FunctionName", logical_id)
            where = f"{self._known['AWS::Region']}:{self._known['AWS::AccountId']}"
            arn = f"arn:aws:lambda:{where}:function:{name}"
            self.learn(logical_id, name, Arn=arn)
        return [self._function(logical_id, own) for logical_id, own in properties.items()]

    def _function(self, logical_id: str, own: dict[str, Any]) -> Function:
        merged = {**self._globals, **own}
        merged["Environment"] = {
            "Variables": {
                **self._globals.get("Environment", {}).get("Variables", {}),
                **own.get("Environment", {}).get("Variables", {}),
            }
        }
        told = {
            name: self.resolve(value)
            for name, value in merged.items()
            if name not in _IGNORED_FUNCTION_PROPERTIES
        }
        try:
            function = Function(
                name=told.pop("FunctionName", logical_id),
                handler=told.pop("Handler"),
                code=(self._folder / told.pop("CodeUri")).resolve(),
                timeout_s=float(told.pop("Timeout", 3)),
                memory_mb=int(told.pop("MemorySize", 128)),
                max_retries=int(told.pop("EventInvokeConfig", {}).get("MaximumRetryAttempts", 2)),
                reserved_concurrency=told.pop("ReservedConcurrentExecutions", None),
                log_format=told.pop("LoggingConfig", {}).get("LogFormat", "Text"),
                environment={
                    name: str(value) for name, value in told.pop("Environment")["Variables"].items()
                },
                events=tuple(self._event(logical_id, it) for it in told.pop("Events", {}).values()),
            )
        except KeyError as error:
            message = f"{logical_id} lacks the property {error}"
            raise TemplateError(message) from None
        if told:
            message = f"{logical_id}: the properties {', '.join(sorted(told))} are not played here"
            raise TemplateError(message)
        return function

    def _event(self, logical_id: str, event: dict[str, Any]) -> Event:
        if event["Type"] not in EVENT_TYPES:
            played = ", ".join(EVENT_TYPES)
            message = f"{logical_id}: {event['Type']} events are not played here, only {played}"
            raise TemplateError(message)
        return Event(event["Type"], event.get("Properties", {}))

    def _answer(self, name: str) -> str:
        try:
            return self._known[name]
        except KeyError:
            message = f"nothing in the template answers to {name}"
            raise TemplateError(message) from None


class _Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]  # yaml may have no types
    """YAML with CloudFormation's short forms, read as their long ones."""


def _plain(name: str) -> str:
    if name.startswith("Fn::"):
        message = f"{name} is not played here, only Ref, Fn::GetAtt and Fn::Sub"
        raise TemplateError(message)
    return name


def _short_form(name: str) -> Any:
    def construct(loader: _Loader, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.SequenceNode):
            return {name: loader.construct_sequence(node, deep=True)}
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if name == "Fn::GetAtt" else text}

    return construct


for _tag in ("GetAtt", "Sub", "Join", "Select", "If", "ImportValue"):
    _Loader.add_constructor(f"!{_tag}", _short_form(f"Fn::{_tag}"))
_Loader.add_constructor("!Ref", _short_form("Ref"))
