"""The logs of shops that never were, made when they are asked for: any number of sales, no memory.

Four shops of five functions each. A sale is an order, a confirmation, a shipment, a receipt and,
for every ten, a batch of a stream. One sale in twenty fails at its confirmation, three times. Each
line is what docs/span-line.md says.
"""

from collections import defaultdict

from tests.cloudwatch.data import Event

BEGAN_MS = 1_795_390_000_000  # 2026-11-22T23:26:40Z
SHOPS = ("orders", "returns", "bookings", "vouchers")
ROLES = ("entry", "confirm", "ship", "receipt", "analytics")
BATCH, FAILING = 10, 20
INVOCATIONS = 4 * 0.95 + 4 * 0.05 + 0.1  # a sale: four where it went well, four where it failed
ODD, MASK = 0x9E3779B97F4A7C15, 2**64 - 1
BACK = pow(ODD, -1, 2**64)
ERROR = (
    '"error":{"type":"ClientError","message":"An error occurred (ValidationException) when '
    "calling the PutItem operation: One or more parameter values were invalid: Type mismatch for "
    'key amount expected: N actual: S","code":"ValidationException"}'
)


def trace_of(number):
    """Return the trace id of a sale; it looks random, and ``number_of`` finds the way back."""
    mixed = (number * 4 + 1) * ODD & MASK
    return f"{mixed:016x}{(mixed * ODD) & MASK:016x}"


def number_of(trace):
    """Return the number that *trace* was made of, times four, and one to three for other traces."""
    try:
        return int(trace[:16], 16) * BACK & MASK
    except ValueError:
        return -1


def own_trace(number, which):
    """Return the trace id of a receipt (1) or of a batch (2) of a sale."""
    mixed = (number * 4 + 1 + which) * ODD & MASK
    return f"{mixed:016x}{(mixed * ODD) & MASK:016x}"


def span_id(number, place):
    """Return a span's id."""
    return f"{((number * 64 + place) * ODD ^ (number << 17)) & MASK:016x}"


def request_id(number, place):
    """Return an invocation's request id."""
    text = f"{(number * 8 + place) * ODD & MASK:016x}{number & MASK:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Line(Event):
    """A line whose text is made only where somebody reads it."""

    def __init__(self, group, ms, fields, rest):
        super().__init__(group, "2026/11/22/[$LATEST]1", ms, None)
        self._fields, self.rest = fields, rest

    @property
    def message(self):
        """The line."""
        return self.rest() if callable(self.rest) else self.rest

    @message.setter
    def message(self, _):
        pass

    @property
    def size(self):
        """About its bytes, by its record."""
        return 520 if self._fields["record"] == "start" else 900

    def contains(self, text):
        """Tell whether *text* is in it: the mark is, and nobody is unsampled here."""
        return text == '{"lumitrace":1,'


class Shops:
    """Sales at an even pace for so long, as the server's data."""

    def __init__(self, per_second=200.0, minutes=15, began_ms=BEGAN_MS):
        self.began_ms = began_ms
        self.sales = int(per_second * minutes * 60 / INVOCATIONS)
        self.every_ms = minutes * 60_000 / self.sales
        self.names = [f"/aws/lambda/{shop}_{role}" for shop in SHOPS for role in ROLES]
        self.seconds = None

    def kinds(self):
        """Return the class of each log group."""
        return dict.fromkeys(self.names, "STANDARD")

    died = ()  # no function is killed here: a query for that finds nothing, and reads nothing

    def scan(self, names, since_ms, until_ms, wanted=None, *, failed=False):
        """Yield the lines within a time that a query of *wanted* traces may want."""
        asked = set(names)
        for number in self._numbers(wanted, failed=failed):
            for line in self.sale(number):
                if since_ms <= line.ms <= until_ms and line.group in asked:
                    yield line

    def _numbers(self, wanted, *, failed):
        if isinstance(wanted, (set, frozenset)):
            found = {number_of(trace) // 4 for trace in wanted}
            batches = {number // BATCH * BATCH + BATCH - 1 for number in found}
            return sorted(number for number in found | batches if 0 <= number < self.sales)
        if failed:
            return range(0, self.sales, FAILING)
        if wanted is None:
            return range(self.sales)
        return [
            number
            for number in range(self.sales)
            if any(wanted.match(own_trace(number, which)) for which in (0, 1, 2))
        ]

    def table(self):
        """Return lines and bytes by second, log group, record and failure; read through once."""
        if self.seconds is None:
            self.seconds = defaultdict(lambda: [0, 0])
            for line in self.scan(self.names, 0, 2**53):
                fields = line.fields
                name, record = fields["name"], fields["record"]
                key = line.ms // 1000, line.group, name, record, fields.get("severityText")
                self.seconds[key][0] += 1
                self.seconds[key][1] += line.size
        return self.seconds

    def bytes(self, names, since_ms, until_ms):
        """Return the bytes and the number of the events within whole seconds."""
        asked, size, lines = set(names), 0, 0
        for (second, group, *_), (count, own) in self.table().items():
            if group in asked and since_ms <= second * 1000 < until_ms:
                lines, size = lines + count, size + own
        return size, lines

    def counts(self, names, since_ms, until_ms, bin_ms):
        """Return lines by name, record, failure and unit of time, as scanning would count them."""
        asked, found = set(names), defaultdict(int)
        for (second, group, name, record, failed), (count, _) in self.table().items():
            if group in asked and since_ms <= second * 1000 < until_ms and record != "span":
                found[name, record, failed, second * 1000 // bin_ms * bin_ms] += count
        return found

    def points(self, function, metric):
        """Return what Lambda counted: every invocation, and none beside."""
        wanted = {"Invocations": ("start", None), "Errors": ("invocation", "E")}.get(metric)
        return [
            (second * 1000, count)
            for (second, _, name, *said), (count, _) in self.table().items()
            if name == function and tuple(said) == wanted
        ]

    def sale(self, number):
        """Yield the lines of one sale."""
        shop, trace = SHOPS[number % len(SHOPS)], trace_of(number)
        at = self.began_ms + int(number * self.every_ms)
        begun_us = at * 1000
        bad = number % FAILING == 0
        tags = (
            f',"tags":{{"saleId":"S-{number:09d}","total":{number % 9973 / 100:.2f},'
            f'"customerId":"customer-{number % 4999}"}}'
        )
        sent, put = span_id(number, 1), span_id(number, 2)
        calls = (
            f'["{span_id(number, 3)}","dynamodb.GetItem","catalog",900,4100,200,[]],'
            f'["{sent}","sns.Publish","new-sales",12100,8400,200,'
            f'["sns:{request_id(number, 7)}"]]'
        )
        yield from invoke(
            f"{shop}_entry",
            begun_us,
            21_000,
            number,
            0,
            trace,
            "",
            calls=calls,
            tags=tags,
            start='"trigger":"api-gateway-rest","route":"POST /sales"',
            kind="SERVER",
        )
        for attempt in range(3 if bad else 1):
            yield from self._confirm(
                shop, number, begun_us + (60 + attempt * 9_000) * 1000, bad=bad
            )
        if bad:
            return
        yield from invoke(
            f"{shop}_ship",
            begun_us + 120_000,
            7_000,
            number,
            4,
            trace,
            put,
            start='"trigger":"sqs","source":"shipping","records":1',
        )
        yield from invoke(
            f"{shop}_receipt",
            begun_us + 130_000,
            7_400,
            number,
            5,
            own_trace(number, 1),
            "",
            start=f'"trigger":"sqs","source":"receipts","records":1,"links":[["{trace}","{put}"]]',
        )
        if number % BATCH == BATCH - 1:
            of_batch = SHOPS[number // BATCH % len(SHOPS)]
            yield from self._batch(of_batch, number, begun_us + 300_000)

    def _confirm(self, shop, number, begun_us, *, bad):
        trace, sent, put = trace_of(number), span_id(number, 1), span_id(number, 2)
        start = '"trigger":"sns","source":"new-sales"'
        place = 1 if not bad else 8 + (begun_us // 9_000_000) % 16
        extra, calls, error = (), f'["{put}","dynamodb.PutItem","sales",2000,5100,200,[]]', ""
        if bad:
            calls, error = "", f',"status":2,"severityText":"E",{ERROR}'
            said = (
                f'"name":"dynamodb.PutItem","kind":"CLIENT","startUs":{begun_us + 2000},'
                '"offsetUs":2000,"durationUs":5100,"operation":"dynamodb.PutItem",'
                f'"resource":"sales","httpStatus":400,"status":2,"severityText":"E",{ERROR}'
            )
            extra = (("span", span_id(number, place + 30), span_id(number, place), said),)
        yield from invoke(
            f"{shop}_confirm",
            begun_us,
            9_000,
            number,
            place,
            trace,
            sent,
            start=start,
            calls=calls,
            error=error,
            extra=extra,
            request=request_id(number, 1),
        )

    def _batch(self, shop, number, begun_us):
        fed = [one for one in range(number - BATCH + 1, number + 1) if one % FAILING]
        links = ",".join(f'["{trace_of(one)}","{span_id(one, 2)}"]' for one in fed)
        yield from invoke(
            f"{shop}_analytics",
            begun_us,
            14_000,
            number,
            6,
            own_trace(number, 2),
            "",
            start=f'"trigger":"sqs","source":"sales","records":{len(fed)},"links":[{links}]',
        )


def invoke(
    function,
    begun_us,
    lasted_us,
    number,
    place,
    trace,
    parent,
    *,
    start,
    kind="CONSUMER",
    calls="",
    tags="",
    error="",
    extra=(),
    request="",
):
    """Yield the lines of one invocation."""
    group, ms = f"/aws/lambda/{function}", begun_us // 1000
    request, span = request or request_id(number, place), span_id(number, place)
    told = f'"name":"{function}","kind":"{kind}","startUs":{begun_us}'

    def line(record, after_us, own, above, rest):
        fields = {
            "lumitrace": 1,
            "record": record,
            "traceId": trace,
            "requestId": request,
            "name": function if record != "span" else "dynamodb.PutItem",
        }
        if '"severityText":"E"' in rest:
            fields["severityText"] = "E"
        over = f'"parentSpanId":"{above}",' if above else ""
        at = ms + after_us // 1000

        def text():
            return (
                f'{{"lumitrace":1,"record":"{record}","timestamp":"2026-11-22T23:30:00.000Z",'
                f'"level":"INFO","traceId":"{trace}","spanId":"{own}",{over}'
                f'"requestId":"{request}",{rest}}}'
            )

        return Line(group, at, fields, text)

    yield line("start", 0, span, parent, f"{told},{start}{tags}")
    for record, own, above, rest in extra:
        yield line(record, lasted_us - 1000, own, above, rest)
    called = f',"calls":[{calls}]' if calls else ""
    rest = f'{told},"durationUs":{lasted_us}{called}{error}'
    yield line("invocation", lasted_us, span, parent, rest)
