"""What log lines tell of: attempts at an invocation, and their spans. Data only."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lumitrace.wire.span_line import STATUS_ERROR

if TYPE_CHECKING:
    from lumitrace.reassembly.api_gateway.entry import Entry

INVOCATION = "invocation"
CALL = "call"
CUSTOM = "custom"
RECORD = "record"
STATE = "state"  # of a state machine, or an item of its Map

LAMBDA = "Lambda"  # what runs an attempt, as people call it
STEP_FUNCTIONS = "Step Functions"
API_GATEWAY = "API Gateway"

INIT = "init"  # the phases in which a function's code starts: before any invocation,
INVOKE = "invoke"  # within one, because the init before it failed or took too long,
RESTORE = "restore"  # or from a snapshot

PLATFORM = "platform"
APPLICATION = "application"
SPAN_LINE = "span line"

CLAIMED = "claimed"  # the relation of a context that a caller at a public edge says it has

Bound = tuple[str, str, list[str]]  # trace id, span id, link keys
POLLED = frozenset(("sqs", "dynamodb", "kinesis", "kafka", "mq"))
AUTHORIZERS = frozenset(("authorizer", "lambda-authorizer"))
PUBLIC = frozenset(
    (
        *("api-gateway-rest", "api-gateway-http", "api-gateway-websocket", "websocket"),
        *("function-url", "alb", "appsync", "vpc-lattice", *AUTHORIZERS),
    )
)


@dataclass(slots=True)
class LogLine:
    """One event as it stands in a transaction: ours, Lambda's or the application's."""

    time_ms: int
    order: int
    origin: str
    text: str


@dataclass(slots=True)
class Failure:
    """Why a span failed.

    Attributes:
        type: the class of the exception, or Lambda's error type.
        code: AWS's error code, "" where there is none.
        at: the last frame of the function's own code, ``app.py:31 handler``.
    """

    type: str
    message: str
    code: str = ""
    at: str = ""

    @property
    def label(self) -> str:
        """Return AWS's error code, or the class where there is none."""
        return self.code or self.type


@dataclass(slots=True)
class Span:
    """One span, unfolded from the lines of an attempt.

    Attributes:
        role: ``invocation``, ``call``, ``custom``, ``record`` or ``state``.
        parent_id: the span above it in the same trace, "" where there is none.
        duration_us: None where its end was never seen.
        status: OTLP's number; 2 is a failure.
        url: of an HTTP call, without query and user info.
        receive_count: how often a message or record was received, 0 where nobody said.
        links: (trace id, span id) of senders in other traces.
        claims: (trace id, span id, relation); they join nothing, unless a claim is proved.
        origins: how many of its records no call to their table has caused, by what did.
        relations: (link key, relation); they join nothing.
        bound: of a call of a batch: what it sent for single records.
        read_from: (trace id, span id, items) of who wrote last what a read returned.
        read_from_more: how many more such writers there were.
        payloads: JSON texts by the name of their field, where ``LUMITRACE_PAYLOADS`` kept them.
        open: announced, and never seen to end.
        suspended: of a durable function's invocation: the execution goes on in a later one.
        count: how many calls it stands for, where they were told in a sum; else 0. *duration_us* is
            then theirs together, and *until_us* when the last had ended at the latest.
    """

    trace_id: str
    span_id: str
    role: str
    name: str
    kind: str = ""
    parent_id: str = ""
    start_us: int = 0
    duration_us: int | None = None
    status: int = 0
    failure: Failure | None = None
    operation: str = ""
    resource: str = ""
    http_status: int = 0
    attempts: int = 1
    not_injected: str = ""
    record_id: str = ""
    url: str = ""
    receive_count: int = 0
    link_out: list[str] = field(default_factory=list)
    link_in: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    claims: list[tuple[str, str, str]] = field(default_factory=list)
    relations: list[tuple[str, str]] = field(default_factory=list)
    origins: dict[str, int] = field(default_factory=dict)
    bound: list[Bound] = field(default_factory=list)
    read_from: list[tuple[str, str, int]] = field(default_factory=list)
    read_from_more: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    payloads: dict[str, str] = field(default_factory=dict)
    open: bool = False
    suspended: bool = False
    count: int = 0
    until_us: int = 0

    @property
    def failed(self) -> bool:
        """Tell whether the span ended in a failure."""
        return self.status == STATUS_ERROR

    @property
    def end_us(self) -> int:
        """Return when the span ended, or began where its end was never seen."""
        if self.count:
            return self.until_us
        return self.start_us + (self.duration_us or 0)


@dataclass(slots=True)
class Report:
    """What Lambda measured of one attempt. None and "" where it did not say."""

    duration_ms: str = ""
    billed_ms: str = ""
    memory_mb: str = ""
    max_memory_mb: str = ""
    init_ms: str = ""
    restore_ms: str = ""
    status: str = ""
    error_type: str = ""


@dataclass(slots=True)
class Init:
    """How the code of a function started before an attempt, or within it.

    Attributes:
        phase: ``init``, ``invoke`` or ``restore``.
        duration_ms: "" where nobody said.
        status: "" or ``success``, ``error``, ``timeout``.
        error_type: Lambda's own, or the class of the exception.
    """

    phase: str
    duration_ms: str
    status: str = ""
    error_type: str = ""


@dataclass(slots=True, eq=False)
class Attempt:
    """One run of a handler: from START to END in one log stream.

    An asynchronous retry is another attempt with the same request id. An execution of a state
    machine is an attempt too, its request id is its ARN; and so is a request of API Gateway.

    Attributes:
        service: what ran it.
        objects: the span lines that were trusted, as dictionaries, in the order of the log.
        outcome: Lambda's own word on a failure (a timeout, an exit, an error), or None.
        raised: an exception that the runtime printed, or that somebody printed in its form.
        inits: how the function's code started, before its first attempt or within this one.
        init_raised: an exception that was printed before START, after the attempt before.
        returned: the handler's own line says that it came to its end.
        ended: END, REPORT or an invocation line was seen.
        number: 1 for the first attempt of this request id at this function, then counting up.
        of: how many attempts of this request id were seen.
        sampled: whether its calls send their own ids, and are told one by one where it ended well.
        thinned: whether its calls are told in sums, because it is not sampled and ended well.
        release: what ``LUMITRACE_RELEASE`` said in the function, "" where nobody did.
        failed_records: record ids that failed, as the handler's line says.
        retried: of an execution: what failed in it was tried again, and went well.
        request: of a request of API Gateway: what its access log says.
        reached: of such a request: the invocation that answered it, None where none was read.
        invocation: the handler's span, None where the function wrote no span lines.
    """

    group: str
    stream: str
    request_id: str
    start_ms: int = 0
    end_ms: int = 0
    function: str = ""
    lines: list[LogLine] = field(default_factory=list)
    objects: list[dict[str, object]] = field(default_factory=list)
    report: Report | None = None
    outcome: Failure | None = None
    raised: Failure | None = None
    inits: list[Init] = field(default_factory=list)
    init_raised: Failure | None = None
    ended: bool = False
    returned: bool = False
    number: int = 1
    of: int = 1
    trigger: str = ""
    route: str = ""
    source: str = ""
    xray_root: str = ""
    release: str = ""
    sampled: bool = True
    thinned: bool = False
    failed_records: set[str] = field(default_factory=set)
    retried: bool = False
    service: str = LAMBDA
    request: "Entry | None" = None
    reached: "Attempt | None" = None
    invocation: Span | None = None
    spans: list[Span] = field(default_factory=list)

    @property
    def runner(self) -> str:
        """Return what ran it, by a name that no other has: a function, or a service and its own."""
        return self.function if self.service == LAMBDA else f"{self.service} {self.function}"

    @property
    def failure(self) -> Failure | None:
        """Return why the attempt failed, or None where it did not, or has not ended."""
        if self.invocation is not None and self.invocation.failed:
            return self.invocation.failure or self.outcome or Failure("Error", "")
        return self.outcome or self.believed

    @property
    def believed(self) -> Failure | None:
        """Return what was printed of an exception, where nothing says that the handler did well.

        A ``Runtime.`` error comes after the handler: its own line could not know.
        """
        well = self.invocation is not None and self.invocation.duration_us is not None
        if self.raised is None or (well and not self.raised.type.startswith("Runtime.")):
            return None
        return self.raised

    @property
    def failed(self) -> bool:
        """Tell whether the attempt failed, by its own line or by Lambda's."""
        return self.failure is not None
