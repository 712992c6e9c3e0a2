"""Every environment variable, one table.

The environment is read once, when this module is imported. A value that does not parse is reported
in a ``health`` line and its default holds: a typo must not take a function down.
"""

import os

ON = "1"
OFF = "0"
STRIP = "strip"
INJECT = "inject"
ALL = "all"
NONE = "none"
# Where a context goes out over HTTP by default: API Gateway and function URLs.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
HTTP_HOSTS = ("*.execute-api.*.amazonaws.com", "*.lambda-url.*.on.aws")
HOST_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.:*")


class Setting:
    """One variable: its name, its default, the values it takes and one sentence about it."""

    __slots__ = ("choices", "default", "field", "name", "sentence")

    def __init__(
        self, name: str, default: str, sentence: str, choices: tuple[str, ...] | None = None
    ) -> None:
        self.name = name
        self.field = name.removeprefix("LUMITRACE_").lower()
        self.default = default
        self.choices = choices
        self.sentence = sentence

    def accepts(self, value: str) -> bool:
        """Tell whether *value* is one that this setting takes."""
        if self.choices is not None:
            return value in self.choices
        if self.default.isdigit():
            return value.isascii() and value.isdigit() and 0 < len(value) <= 9
        return value.isprintable() and len(value) <= 1024


TABLE = (
    Setting(
        "LUMITRACE_ENABLED",
        "",
        "`1` also outside Lambda, `0` nothing at all, `strip` only takes marks off DynamoDB items; "
        "by default on in Lambda and off elsewhere.",
        ("", ON, OFF, STRIP),
    ),
    Setting(
        "LUMITRACE_INJECT",
        ALL,
        "`none` sends no context along with messages, items and invokes; "
        "hops then join by link keys.",
        (ALL, NONE),
    ),
    Setting(
        "LUMITRACE_DYNAMODB",
        INJECT,
        "`inject` writes the context into items and takes it off on every read, "
        "`strip` only takes it off, `off` does neither.",
        (INJECT, STRIP, "off"),
    ),
    Setting(
        "LUMITRACE_EVENTBRIDGE",
        "off",
        "`inject` writes the context into the detail of each event sent; "
        "else events join by their ids.",
        (INJECT, "off"),
    ),
    Setting(
        "LUMITRACE_EXTRACTOR",
        "",
        "`package.module:function`, asked for a `traceparent` where no parser finds one.",
    ),
    Setting(
        "LUMITRACE_TAGS",
        "",
        "Dotted paths into the event, separated by commas, whose values become tags.",
    ),
    Setting(
        "LUMITRACE_TRUSTED_APIS",
        "",
        "Host names of public APIs, separated by commas, whose callers' `traceparent` is believed.",
    ),
    Setting(
        "LUMITRACE_HTTP_HOSTS",
        "",
        "Your own hosts, separated by commas, to which HTTP requests carry the context, such as "
        "`*.example.com`; beside API Gateway and function URLs, which `none` takes away.",
    ),
    Setting("LUMITRACE_RELEASE", "", "The release of the function, kept with its first line."),
    Setting(
        "LUMITRACE_LEVEL",
        "INFO",
        "The `level` that span lines bear in Lambda's JSON log format.",
        ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
    ),
    Setting(
        "LUMITRACE_MAX_SPANS", "2000", "Spans that one invocation writes; the rest is counted."
    ),
    Setting(
        "LUMITRACE_MAX_BYTES", "262144", "Bytes that one invocation writes; the rest is counted."
    ),
    Setting(
        "LUMITRACE_LOG_IDS",
        OFF,
        "`1` puts `traceId` and `spanId` on the application's own log records.",
        (ON, OFF),
    ),
    Setting(
        "LUMITRACE_DEBUG",
        OFF,
        "`1` leaves lumitrace's own frames in tracebacks.",
        (ON, OFF),
    ),
)


class Settings:
    """The values in force.

    Attributes:
        enabled: ``"1"``, ``"0"`` or ``"strip"``.
        inject: whether contexts go out.
        dynamodb: ``"inject"``, ``"strip"`` or ``"off"``.
        eventbridge: ``"inject"`` or ``"off"``.
        extractor: ``package.module:function`` or "".
        tags: dotted paths, each a tuple of steps.
        trusted_apis: host names in lower case.
        http_hosts: patterns of host names, as their labels.
        level, release: text.
        log_ids: whether the application's log records get our ids.
        max_spans, max_bytes: an invocation's budget.
        debug: whether our frames stay in tracebacks.
        wrong: one sentence for each value that did not parse.
    """

    def __init__(self) -> None:
        self.load({})

    def load(self, environ: "os._Environ[str] | dict[str, str]") -> None:
        """Take every value from *environ*; what does not parse is put into *wrong*."""
        self.wrong: list[str] = []
        value = {setting.field: self._read(setting, environ) for setting in TABLE}
        in_lambda = bool(environ.get("AWS_LAMBDA_FUNCTION_NAME"))
        self.enabled = value["enabled"] or (ON if in_lambda else OFF)
        self.inject = value["inject"] == ALL
        self.dynamodb = value["dynamodb"]
        self.eventbridge = value["eventbridge"]
        self.extractor = value["extractor"]
        self.tags = tuple(
            tuple(path.strip().split(".")) for path in value["tags"].split(",") if path.strip()
        )
        self.trusted_apis = frozenset(
            host.strip().lower() for host in value["trusted_apis"].split(",") if host.strip()
        )
        self.http_hosts = self._hosts(value["http_hosts"])
        self.release = value["release"]
        self.level = value["level"]
        self.log_ids = value["log_ids"] == ON
        self.max_spans = int(value["max_spans"])
        self.max_bytes = int(value["max_bytes"])
        self.debug = value["debug"] == ON

    def _read(self, setting: Setting, environ: "os._Environ[str] | dict[str, str]") -> str:
        value = environ.get(setting.name)
        if value is None:
            return setting.default
        value = value.strip()
        if setting.accepts(value):
            return value
        takes = "|".join(filter(None, setting.choices or ())) or "another value"
        self.wrong.append(f"{setting.name} is not understood, takes {takes}; the default holds")
        return setting.default

    def _hosts(self, value: str) -> tuple[tuple[str, ...], ...]:
        """Return the patterns in *value* and the default ones, each as its labels."""
        hosts = [host.strip().lower() for host in value.split(",") if host.strip()]
        wrong = [host for host in hosts if not HOST_LETTERS.issuperset(host) or host[-1] in "*."]
        if wrong:
            self.wrong.append(
                "LUMITRACE_HTTP_HOSTS is not understood, takes host names such as *.example.com; "
                "the default holds"
            )
            hosts = []
        known = () if NONE in hosts else HTTP_HOSTS
        return tuple(tuple(host.split(".")) for host in (*known, *hosts) if host != NONE)


settings = Settings()
settings.load(os.environ)
