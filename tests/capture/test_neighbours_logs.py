"""``LUMITRACE_LOG_IDS=1``: the application's own lines bear the correlation ID."""

import copy
import io
import json
import logging
import pickle
import subprocess
import sys
from functools import partial

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture import integrations
from lumitrace.capture.config import settings
from lumitrace.capture.guard import reporter

FRAMES_LEFT = int(sys.version_info < (3, 11))  # there a frame between others' cannot be cut
LINE = "%(levelname)s %(message)s %(traceId)s %(spanId)s"


@pytest.fixture
def log():
    """A logger of the test's own, with a formatter of its own, that writes into memory."""
    logger = logging.getLogger("shop")
    handler = logging.StreamHandler(io.StringIO())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)


@pytest.fixture
def ids_on(captured, monkeypatch):
    """The setting is on; what was put in place is taken away again."""
    before = logging.getLogRecordFactory()
    monkeypatch.setattr(settings, "log_ids", True)
    integrations.install.cache_clear()
    yield
    integrations.install.cache_clear()
    logging.setLogRecordFactory(before)


def said(logger):
    """Return what *logger* wrote."""
    return logger.handlers[0].stream.getvalue().splitlines()


def ours(caught):
    """Return our own frames in what was raised."""
    return [entry for entry in caught.traceback if "integrations" in str(entry.path)]


def form(logger, text, **more):
    """Give *logger* a format."""
    logger.handlers[0].setFormatter(logging.Formatter(text, **more))


def test_a_record_bears_the_ids_of_the_work_at_hand(ids_on, ids, captured, context, log):
    """The invocation's, a span's own; a format with the names never fails, before and after."""
    form(log, LINE)

    @traced
    def handler(event, context):
        log.info("begun")
        with lumitrace.span("price"):
            log.info("inside %s", "it")
        return lumitrace.trace_id()

    log.info("loading")
    trace = handler({}, context)
    log.info("after")

    start, span = captured.one("start"), captured.one("span")
    assert said(log) == [
        "INFO loading  ",
        f"INFO begun {trace} {start['spanId']}",
        f"INFO inside it {trace} {span['spanId']}",
        "INFO after  ",
    ]


def test_without_the_setting_records_are_what_they_were(captured, context, log):
    """Off is the default: the factory is Python's own and no record has an attribute of ours."""
    integrations.install.cache_clear()
    seen = []
    log.handlers[0].addFilter(lambda record: seen.append(sorted(record.__dict__)) or True)

    traced(lambda event, context: log.info("hello"))({}, context)

    assert logging.getLogRecordFactory() is logging.LogRecord
    assert seen == [sorted(logging.makeLogRecord({}).__dict__)]


def test_with_the_setting_only_two_attributes_are_more(ids_on, captured, context, log):
    """Levels, handlers, formatters and everything else of a record stay."""
    seen = []
    log.handlers[0].addFilter(lambda record: seen.append(record) or True)
    before = log.handlers[:], log.level, log.handlers[0].formatter, logging.root.handlers[:]

    traced(lambda event, context: log.warning("a %s", "b", extra={"saleId": "s-1"}))({}, context)

    twin = logging.LogRecord("shop", logging.WARNING, "", 1, "a %s", ("b",), None)
    assert set(seen[0].__dict__) - set(twin.__dict__) == {
        *("saleId", "traceId", "spanId"),
        "message",  # a formatter's
    }
    assert type(seen[0]) is logging.LogRecord
    assert before == (
        log.handlers,
        log.level,
        log.handlers[0].formatter,
        logging.root.handlers,
    )
    assert said(log) == ["a b"]


def test_the_callers_own_value_wins(ids_on, captured, context, log):
    """``extra={"traceId": …}`` worked before, so it works still."""
    form(log, LINE)

    traced(lambda event, context: log.info("x", extra={"traceId": "theirs", "spanId": "own"}))(
        {}, context
    )

    assert said(log) == ["INFO x theirs own"]


def test_a_name_that_was_never_allowed_is_refused_as_before(ids_on, captured, log):
    """Python's own check of the other names holds."""
    traced(lambda event, context: None)

    with pytest.raises(KeyError, match="overwrite"):
        log.info("x", extra={"lineno": 1})  # noqa: G101  # what is tested


def test_a_factory_that_was_there_is_called(ids_on, captured, context, log):
    """A factory of the application's own decides what a record is; its values stay."""

    class Own(logging.LogRecord):
        pass

    def factory(*args, **kwargs):
        record = Own(*args, **kwargs)
        record.spanId = "of the factory"
        return record

    logging.setLogRecordFactory(factory)
    form(log, LINE)
    seen = []
    log.handlers[0].addFilter(lambda record: seen.append(type(record)) or True)

    traced(lambda event, context: log.info("x"))({}, context)

    trace = captured.one("start")["traceId"]
    assert said(log) == [f"INFO x {trace} of the factory"]
    assert seen == [Own]


def test_a_later_factory_may_wrap_ours(ids_on, captured, context, log):
    """Who comes after us finds a factory to call, and is not displaced by another `traced`."""
    handler = traced(lambda event, context: log.info("x"))
    ours = logging.getLogRecordFactory()

    def later(*args, **kwargs):
        record = ours(*args, **kwargs)
        record.late = f"late {record.traceId}"
        return record

    logging.setLogRecordFactory(later)
    traced(lambda event, context: None)
    form(log, "%(late)s %(traceId)s")

    handler({}, context)

    trace = captured.one("start")["traceId"]
    assert logging.getLogRecordFactory() is later
    assert said(log) == [f"late {trace} {trace}"]


def test_a_factory_that_fails_fails_as_before(ids_on, captured, log):
    """The exception is the factory's, and no frame of ours is in it."""

    def broken(*_args, **_kwargs):
        raise LookupError("no record today")

    logging.setLogRecordFactory(broken)
    traced(lambda event, context: None)

    with pytest.raises(LookupError, match="no record today") as caught:
        log.info("x")

    assert len(ours(caught)) == FRAMES_LEFT
    logging.setLogRecordFactory(logging.LogRecord)


def test_a_record_travels_without_us(ids_on, captured, context):
    """Queues copy and pickle records; what arrives is a plain record."""
    traced(lambda event, context: None)

    record = logging.makeLogRecord({"msg": "m"})

    for arrived in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):  # noqa: S301
        assert dict(arrived.__dict__) == dict(record.__dict__)
    assert b"lumitrace" not in pickle.dumps(record)


def test_a_failure_of_ours_costs_the_ids_alone(ids_on, captured, context, log, monkeypatch):
    """The line is written, and a health line says what happened."""
    handler = traced(lambda event, context: log.info("x"))
    monkeypatch.setattr("lumitrace.capture.integrations.logs.ids", lambda: 1 / 0)
    monkeypatch.setattr(reporter, "reraise", False)

    handler({}, context)

    assert said(log) == ["x"]
    assert "ZeroDivisionError" in captured.all("health")[0]["message"] or reporter.count


@pytest.mark.parametrize("style", ["%", "{", "$"])
def test_every_style_of_format_finds_the_names(ids_on, captured, context, log, style):
    """Percent, braces and dollars; with defaults too."""
    text = {"%": "%(traceId)s %(more)s", "{": "{traceId} {more}", "$": "$traceId $more"}[style]
    form(log, text, style=style, defaults={"more": "m", "traceId": "none"})

    traced(lambda event, context: log.info("x"))({}, context)

    assert said(log) == [f"{captured.one('start')['traceId']} m"]


def test_the_json_log_format_of_lambda_has_them(ids_on, captured, context, log):
    """The runtime client's own formatter writes the two fields, and nothing else is new."""
    utils = pytest.importorskip("awslambdaric.lambda_runtime_log_utils")
    log.handlers[0].setFormatter(utils.JsonFormatter())
    log.handlers[0].terminator = ""
    logging.setLogRecordFactory(logging.LogRecord)
    log.info("hello", extra={"saleId": "s-1"})
    handler = traced(lambda event, context: log.info("hello", extra={"saleId": "s-1"}))

    handler({}, context)

    plain, ours = map(json.loads, said(log))
    start = captured.one("start")
    more = {"traceId": start["traceId"], "spanId": start["spanId"]}
    assert ours == plain | more | {"timestamp": ours["timestamp"]}


def test_powertools_logger_has_them(ids_on, captured, context, monkeypatch):
    """Powertools prints what a record has beyond the ordinary; its keys stay its own."""
    powertools = pytest.importorskip("aws_lambda_powertools")
    out = io.StringIO()
    logger = powertools.Logger(service="orders", logger_handler=logging.StreamHandler(out))
    logger.append_keys(saleId="s-1")

    @traced
    def handler(event, context):
        logger.info("hello", extra={"total": 42})

    handler({}, context)
    logger.removeHandler(logger.handlers[0])

    line, start = json.loads(out.getvalue()), captured.one("start")
    assert (line["traceId"], line["spanId"]) == (start["traceId"], start["spanId"])
    assert (line["message"], line["saleId"], line["total"]) == ("hello", "s-1", 42)


@pytest.fixture
def structlog():
    """Structlog as the application configured it; reset afterwards."""
    module = pytest.importorskip("structlog")
    yield module
    module.reset_defaults()


def test_structlog_has_them(ids_on, captured, context, structlog):
    """Loggers bound before and after; the configured list stays the one it was."""
    out = io.StringIO()
    processors = [structlog.processors.add_log_level, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    early = structlog.get_logger().bind(saleId="s-1")
    early.info("loading")

    @traced
    def handler(event, context):
        early.info("hello")
        structlog.get_logger().info("own", traceId="theirs")

    handler({}, context)
    handler({}, context)
    early.info("after")

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    start = captured.all("start")[0]
    both = {"traceId": start["traceId"], "spanId": start["spanId"]}
    quiet = {"saleId": "s-1", "level": "info"}
    assert lines[0] == quiet | {"event": "loading"}
    assert lines[1] == quiet | both | {"event": "hello"}
    assert lines[2]["traceId"] == "theirs"
    assert lines[-1] == quiet | {"event": "after"}
    assert structlog.get_config()["processors"] is processors
    assert len(processors) == 3


def test_what_structlogs_context_binds_wins(ids_on, captured, context, structlog):
    """Its own processor merges it without taking the place of what is there."""
    out = io.StringIO()
    processors = [structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(out))

    @traced
    def handler(event, context):
        with structlog.contextvars.bound_contextvars(traceId="theirs"):
            structlog.get_logger().info("hello")

    handler({}, context)

    line = json.loads(out.getvalue())
    assert (line["traceId"], line["spanId"]) == ("theirs", captured.one("start")["spanId"])


def test_structlog_on_top_of_logging_has_them_once(ids_on, captured, context, structlog, log):
    """With structlog's renderer into ``extra``, a record has the name from both sides."""
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    form(log, "%(message)s %(saleId)s %(traceId)s")

    @traced
    def handler(event, context):
        structlog.get_logger("shop").info("hello", saleId="s-1")

    handler({}, context)

    assert said(log) == [f"hello s-1 {captured.one('start')['traceId']}"]


def test_a_structlog_that_we_do_not_know_costs_nothing(ids_on, captured, context, structlog):
    """Processors that are no list stay as they are."""
    structlog.configure(processors=(structlog.processors.JSONRenderer(),))

    traced(lambda event, context: None)({}, context)

    assert len(structlog.get_config()["processors"]) == 1


@pytest.fixture
def loguru():
    """Loguru writing into a list; as it was afterwards."""
    module = pytest.importorskip("loguru")
    lines = []
    before = module.logger._core.patcher
    module.logger.remove()
    module.logger.add(lambda message: lines.append(json.loads(message)), serialize=True)
    yield module.logger, lines
    module.logger.remove()
    module.logger._core.patcher = before


def test_loguru_has_them(ids_on, captured, context, loguru):
    """In the extra values, also of bound loggers; outside an invocation both are empty."""
    logger, lines = loguru

    @traced
    def handler(event, context):
        logger.bind(saleId="s-1").info("hello")
        logger.bind(traceId="theirs").info("own")

    logger.info("loading")
    handler({}, context)

    loading, hello, own = (line["record"]["extra"] for line in lines)
    start = captured.one("start")
    assert loading == {"traceId": "", "spanId": ""}
    assert hello == {"saleId": "s-1", "traceId": start["traceId"], "spanId": start["spanId"]}
    assert own["traceId"] == "theirs"


def test_a_patcher_of_loguru_is_kept(ids_on, captured, context, loguru):
    """Whether it was configured before us or after; it is called first, and once."""
    logger, lines = loguru
    handler = traced(lambda event, context: logger.info("hello"))
    logger.configure(patcher=lambda record: record["extra"].update(theirs=1))

    handler({}, context)
    handler({}, context)

    assert [sorted(line["record"]["extra"]) for line in lines] == [
        ["spanId", "theirs", "traceId"],
        ["spanId", "theirs", "traceId"],
    ]
    assert not hasattr(logger._core.patcher.before, "before")


def test_a_patcher_of_loguru_that_fails_fails_as_before(ids_on, captured, loguru):
    """The exception is the patcher's, and no frame of ours is in it."""
    logger, _ = loguru

    def broken(record):
        raise LookupError("no patch today")

    logger.configure(patcher=broken)
    traced(lambda event, context: None)
    integrations.begin(None)

    with pytest.raises(LookupError) as caught:
        logger.info("x")

    assert len(ours(caught)) == FRAMES_LEFT


def test_a_logger_of_loguru_can_be_pickled_as_before(ids_on, captured, loguru):
    """A logger that is handed to another process travels with our patcher in it."""
    logger, _ = loguru
    logger.remove()
    traced(lambda event, context: None)

    assert pickle.loads(pickle.dumps(logger))  # noqa: S301


PROGRAM = """
import sys
sys.path[:0] = PATH
from lumitrace import traced
handler = traced(lambda event, context: None)
handler({}, None)
print(*sorted(name for name in sys.modules if name.split(".")[0] in NAMES), file=sys.stderr)
print(*sorted(name for name in sys.modules if ".integrations." in name), file=sys.stderr)
"""
NAMES = ["structlog", "loguru", "opentelemetry", "aws_xray_sdk", "wrapt", "logging"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("0", ["", ""]), ("1", ["logging", "lumitrace.capture.integrations.logs"])],
)
def test_nothing_is_loaded_for_a_neighbour_that_is_not_there(setting, expected):
    """No neighbour is imported, and of ours only what the setting asks for."""
    source = f"PATH = {[path for path in sys.path if path]!r}\nNAMES = {NAMES!r}\n{PROGRAM}"
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "f", "LUMITRACE_LOG_IDS": setting}
    run = partial(subprocess.run, capture_output=True, text=True, check=True)

    done = run([sys.executable, "-S", "-c", source], env=environment)

    assert done.stderr.splitlines() == expected
