"""The values of the environment variables, which `variables` lists.

The environment is read once, when this module is imported. A value that does not parse is reported
in a ``health`` line and its default holds: a typo must not take a function down.
"""

import os

from lumitrace.capture.guard import Guard
from lumitrace.capture.variables import (
    ALL,
    INJECT,
    LEVELS,
    LINK,
    MAX_PAYLOAD,
    NONE,
    OFF,
    ON,
    PREFIX,
    STRIP,
    TABLE,
    Setting,
    names,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["INJECT", "LINK", "OFF", "ON", "STRIP", "Settings", "settings"]

# Where a context goes out over HTTP by default: API Gateway and function URLs.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
HTTP_HOSTS = (("*", "execute-api", "*", "amazonaws", "com"), ("*", "lambda-url", "*", "on", "aws"))
MAX_TABLES = 1024  # whose mode is remembered


class Settings:
    """The values in force.

    Attributes:
        version: Lambda's, of the function that runs here, or "".
        enabled: ``"1"``, ``"0"`` or ``"strip"``.
        inject: whether contexts go out.
        dynamodb: ``"inject"``, ``"link"``, ``"strip"`` or ``"off"``, of a table that is not named.
        dynamodb_tables: pattern and mode of those that are, in the order given.
        fingerprint_key: secrets by which fingerprints of items are keyed, none to several.
        eventbridge: ``"inject"`` or ``"off"``.
        extractor: ``package.module:function`` or "".
        tags: dotted paths, each a tuple of steps.
        trusted_apis: host names in lower case.
        http_hosts: patterns of host names, as their labels.
        level, release: text.
        health_level: the level of ``health`` lines, which the function's log keeps.
        handler: ``module.function`` of a function whose handler is ``lumitrace.handler``, or "".
        auto: whether the layer's ``.pth`` file has started us.
        fast_init: whether garbage is left alone while the function's module is imported.
        errors: whether the texts of errors are written.
        mask: more names of secrets, in small letters and digits.
        hang_stack: whether every thread's stack is written before the deadline.
        payloads: ``"errors"``, ``"all"`` or "".
        max_payload: bytes of one event, result or set of parameters.
        json_logs: whether Lambda's own log format is JSON.
        log_ids: whether the application's log records get our ids.
        threshold: 14 hex digits; a trace is told in detail whose id does not end below. "" for all.
        sample: the share of traces that are told in detail.
        max_spans, max_bytes, max_ms: an invocation's budget.
        debug: whether our frames stay in tracebacks.
        wrong: one sentence for each value that did not parse.
    """

    def __init__(self) -> None:
        self.load({})

    def load(self, environ: "os._Environ[str] | dict[str, str]") -> None:
        """Take every value from *environ*; what does not parse is put into *wrong*."""
        self.wrong: list[str] = []
        value = self._values(environ)
        self.version = environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        in_lambda = bool(environ.get("AWS_LAMBDA_FUNCTION_NAME"))
        self.enabled = value["enabled"] or (ON if in_lambda else OFF)
        self.inject = value["inject"] == ALL
        self.dynamodb = value["dynamodb"]
        self.dynamodb_tables = self._listed("tables", value["dynamodb_tables"])
        self.fingerprint_key = self._listed("keys", value["fingerprint_key"])
        self._modes: dict[str, str] = {}
        self.eventbridge = value["eventbridge"]
        self.extractor = value["extractor"]
        self.tags = tuple(
            tuple(path.strip().split(".")) for path in value["tags"].split(",") if path.strip()
        )
        self.trusted_apis = frozenset(
            host.strip().lower() for host in value["trusted_apis"].split(",") if host.strip()
        )
        own = self._listed("hosts", value["http_hosts"])
        self.http_hosts = own[1:] if own[:1] == (None,) else (*HTTP_HOSTS, *own)
        self.release, self.level = value["release"], value["level"]
        self.errors = value["errors"] == "message"
        self.mask, short = names(value["mask"])
        self.wrong += short
        self.health_level = self._heard(environ)
        self.payloads = "" if value["payloads"] == NONE else value["payloads"]
        self.max_payload = min(int(value["max_payload"]), MAX_PAYLOAD)
        self.log_ids = value["log_ids"] == ON
        budgets = (int(value[name]) for name in ("max_spans", "max_bytes", "max_ms"))
        self.max_spans, self.max_bytes, self.max_ms = budgets
        self.sample, self.threshold = float(value["sample"]), _threshold(float(value["sample"]))
        self.json_logs = environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
        self.debug = value["debug"] == ON
        self.handler = value["handler"]
        self.auto, self.fast_init = value["auto"] == ON, value["fast_init"] == ON
        self.hang_stack = value["hang_stack"] == ON
        if self.hang_stack and environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
            self.hang_stack = False
            self.wrong.append("LUMITRACE_HANG_STACK is not for Managed Instances; it stays off")

    def keeps(self, trace_id: str) -> bool:
        """Tell whether the trace with this id is sampled: told in detail, here and elsewhere."""
        return trace_id[-14:] >= self.threshold

    def mode_of(self, table: str) -> str:
        """Return what is done with items of the DynamoDB *table*; the first pattern counts."""
        if not self.dynamodb_tables:
            return self.dynamodb
        mode = self._modes.get(table)
        if mode is None:
            from fnmatch import fnmatchcase  # noqa: PLC0415  # only where tables are told apart

            modes = (mode for pattern, mode in self.dynamodb_tables if fnmatchcase(table, pattern))
            mode = next(modes, self.dynamodb)
            if len(self._modes) < MAX_TABLES:
                self._modes[table] = mode
        return mode

    def _values(self, environ: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
        """Return the text of every setting; to ask for what is not there takes 1 us each."""
        value = {setting.field: setting.default for setting in TABLE}
        given = {name: environ[name] for name in environ if name.startswith(PREFIX)}
        if given:
            value |= {one.field: self._read(one, given) for one in TABLE if one.name in given}
        return value

    def _read(self, setting: Setting, given: dict[str, str]) -> str:
        value = given[setting.name].strip()
        if setting.accepts(value):
            return value
        takes = "|".join(filter(None, setting.choices or ())) or "another value"
        self.wrong.append(f"{setting.name} is not understood, takes {takes}; the default holds")
        return setting.default

    def _listed(self, kind: str, value: str) -> "tuple[Any, ...]":
        if not value:
            return ()
        from lumitrace.capture import listed  # noqa: PLC0415  # only where one is set

        return getattr(listed, kind)(value, self.wrong)  # type: ignore[no-any-return]

    def _heard(self, environ: "os._Environ[str] | dict[str, str]") -> str:
        """Return a level that is kept; tell where our own is not.

        In the JSON log format Lambda drops what is below the function's application log level:
        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
        """
        least = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        if environ.get("AWS_LAMBDA_LOG_FORMAT") != "JSON" or least not in LEVELS:
            return self.level
        if LEVELS.index(least) <= LEVELS.index(self.level):
            return self.level
        self.wrong.append(
            f"span lines are {self.level}, and this function's log keeps {least} and above; "
            f"set LUMITRACE_LEVEL={least}"
        )
        return least


def _threshold(probability: float) -> str:
    """Return the rejection threshold in hex, which the last 56 bits of a trace id must reach.

    https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    """
    if probability >= 1:
        return ""
    return f"{round((1 - probability) * 2**56):014x}" if probability > 0 else "g"  # above any digit


settings = Settings()
with Guard("capture.config"):
    settings.load(os.environ)
