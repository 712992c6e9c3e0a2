"""Every environment variable, one table: docs/settings.md has the same rows."""

ON = "1"
OFF = "0"
STRIP = "strip"
INJECT = "inject"
ALL = "all"
NONE = "none"
LINK = "link"
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
MAX_PAYLOAD = 12 * 1024  # bytes; spelt in a line it takes twice that at most, and a line 32 KiB
MIN_NAME = 3  # characters of a secret's name: a shorter one is part of too many others
PREFIX = "LUMITRACE_"
SHARE: tuple[str, ...] = ("0", "1", "a share such as 0.01")
MODES = (INJECT, LINK, STRIP, "off")  # of a DynamoDB table


class Setting:
    """One variable: its name, its default, the values it takes and one sentence about it."""

    __slots__ = ("choices", "default", "field", "name", "sentence")

    def __init__(
        self, name: str, default: str, sentence: str, choices: tuple[str, ...] | None = None
    ) -> None:
        self.name = name
        self.field = name.removeprefix(PREFIX).lower()
        self.default = default
        self.choices = choices
        self.sentence = sentence

    def accepts(self, value: str) -> bool:
        """Tell whether *value* is one that this setting takes."""
        if self.choices is SHARE:
            is_number = value.isascii() and value.replace(".", "", 1).isdigit()
            return is_number and len(value) <= 20 and float(value) <= 1
        if self.choices is not None:
            return value in self.choices
        if self.default.isdigit():
            return value.isascii() and value.isdigit() and 0 < len(value) <= 9
        return value.isprintable() and len(value) <= 1024


def names(value: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the names in *value*, in small letters and digits, and what is wrong with others."""
    given = [name for name in value.split(",") if name.strip()]
    plain = ["".join(filter(str.isalnum, name.lower())) for name in given]
    good = tuple(name for name in plain if len(name) >= MIN_NAME)
    wrong = f"LUMITRACE_MASK takes names of {MIN_NAME} letters and more; the others are left out"
    return good, [wrong] if len(good) < len(given) else []


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
        "`inject` writes the context into items and takes it off on every read, `link` joins by "
        "keyed fingerprints instead, `strip` only takes marks off, `off` does nothing.",
        MODES,
    ),
    Setting(
        "LUMITRACE_DYNAMODB_TABLES",
        "",
        "`table=mode` pairs, separated by commas, for tables that differ; `*` stands for any text.",
    ),
    Setting(
        "LUMITRACE_FINGERPRINT_KEY",
        "",
        "Secret of 16 bytes and more, by which fingerprints of items are keyed; "
        "`old,new` while it is rolled.",
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
        LEVELS,
    ),
    Setting(
        "LUMITRACE_SAMPLE",
        "1",
        "The share of traces that are told in detail; of all others each invocation writes one "
        "line with sums.",
        SHARE,
    ),
    Setting(
        "LUMITRACE_MAX_SPANS", "2000", "Spans that one invocation writes; the rest is counted."
    ),
    Setting(
        "LUMITRACE_MAX_BYTES", "262144", "Bytes that one invocation writes; the rest is counted."
    ),
    Setting(
        "LUMITRACE_MAX_MS",
        "100",
        "Milliseconds that one invocation spends on writing; then nothing is written before its "
        "end, and sums only.",
    ),
    Setting(
        "LUMITRACE_ERRORS",
        "message",
        "`type` writes the class of an error and AWS's code, and no text of it.",
        ("message", "type"),
    ),
    Setting(
        "LUMITRACE_MASK",
        "",
        "More names, separated by commas, whose values are masked wherever texts are written.",
    ),
    Setting(
        "LUMITRACE_PAYLOADS",
        NONE,
        "`errors` keeps event, result and parameters of what failed, `all` of everything; secrets "
        "are masked.",
        (NONE, "errors", ALL),
    ),
    Setting(
        "LUMITRACE_MAX_PAYLOAD",
        "4096",
        "Bytes that are kept of one event, result or set of parameters, 12288 at most.",
    ),
    Setting(
        "LUMITRACE_LOG_IDS",
        OFF,
        "`1` puts `traceId` and `spanId` on the application's own log records.",
        (ON, OFF),
    ),
    Setting(
        "LUMITRACE_AUTO",
        OFF,
        "`1` traces the function's handler with the layer alone, through its `.pth` file.",
        (ON, OFF),
    ),
    Setting(
        "LUMITRACE_HANDLER",
        "",
        "`module.function`: the handler of a function whose own is set to `lumitrace.handler`.",
    ),
    Setting(
        "LUMITRACE_FAST_INIT",
        OFF,
        "`1` collects no garbage while the function's module is imported, and what it has imported "
        "never; with the zero-code ways in only.",
        (ON, OFF),
    ),
    Setting(
        "LUMITRACE_HANG_STACK",
        OFF,
        "`1` has CPython's watchdog write every thread's stack to the log shortly before the "
        "deadline; never under Managed Instances.",
        (ON, OFF),
    ),
    Setting(
        "LUMITRACE_DEBUG",
        OFF,
        "`1` leaves lumitrace's own frames in tracebacks.",
        (ON, OFF),
    ),
)
