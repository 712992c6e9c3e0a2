"""Writes the logs of a shop that never was: any number of spans, always the same.

A sale is five functions and about twelve spans: an API, a topic, a queue, an event bus and a
table's stream that is read in batches of ten. One sale in twenty fails, three attempts each. The
lines are what `docs/span-line.md` says; nothing is measured here.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

BEGAN_US = 1_795_390_000_000_000  # 2026-11-22T23:26:40Z
BATCH = 10  # sales a batch of the table's stream
FAILING = 20  # one in so many
SANDBOXES = 50  # a function
RATE_US = 5_760  # a sale every so often: about 10 million spans in an hour and a quarter

START = "START RequestId: {} Version: $LATEST"
END = "END RequestId: {}"
REPORT = (
    "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\t"
    "Memory Size: 256 MB\tMax Memory Used: 91 MB\t"
)


class Shop:
    """Sales, one after another."""

    def __init__(self, seed: int, *, mixed: bool) -> None:
        self.random = random.Random(seed)  # noqa: S311  # the same logs each time
        self.mixed = mixed
        self.spans = 0
        self.batch: list[tuple[str, str, str]] = []
        self.now_us = BEGAN_US
        self.stamps: dict[int, str] = {}

    def sale(self, number: int) -> Iterator[str]:
        """Yield the lines of one sale."""
        self.now_us = BEGAN_US + number * RATE_US
        trace, entry = self._id(32), self._id(16)
        publish, put = self._id(16), self._id(16)
        failing = number % FAILING == 0
        tags = (
            f'{{"saleId":"S-{number:09d}","total":{number % 9973 / 100:.2f},'
            f'"customerId":"customer-{number % 4999}"}}'
        )
        calls = (
            f'["{self._id(16)}","dynamodb.GetItem","ushop_catalog",900,4100,200,[]],'
            f'["{self._id(16)}","dynamodb.UpdateItem","ushop_stock",5400,6200,200,[]],'
            f'["{publish}","sns.Publish","ushop_new-sales",12100,8400,200,'
            f'["sns:{self._uuid()}"]]'
        )
        yield from self._invocation(
            "ushop_new-sale-processing",
            trace,
            entry,
            "",
            self.now_us,
            21_000,
            calls,
            4,
            '"kind":"SERVER"',
            '"trigger":"api-gateway-rest","route":"POST /sales",'
            f'"linkIn":["apigw:{self._id(14)}="]',
            tags,
            "http",
        )
        attempts = 3 if failing else 1
        request = self._uuid()
        for attempt in range(attempts):
            yield from self._confirm(trace, publish, put, request, attempt, failing=failing)
        if failing:
            return
        yield from self._after(trace, put)

    def _confirm(  # noqa: PLR0913  # as a line has
        self, trace: str, publish: str, put: str, request: str, attempt: int, *, failing: bool
    ) -> Iterator[str]:
        begin = self.now_us + 60_000 + attempt * 60_000_000
        span = self._id(16)
        start = '"trigger":"sns","source":"ushop_new-sales","links":[]'
        if failing:
            call = self._id(16)
            error = (
                '"error":{"type":"ClientError","message":"An error occurred (ValidationException) '
                "when calling the PutItem operation: One or more parameter values were invalid: "
                'Type mismatch for key amount expected: N actual: S","code":"ValidationException"}'
            )
            line = (
                f'"name":"dynamodb.PutItem","kind":"CLIENT","startUs":{begin + 2000},'
                f'"offsetUs":2000,"durationUs":5100,"operation":"dynamodb.PutItem",'
                f'"resource":"ushop_sales","httpStatus":400,"status":2,"severityText":"E",{error}'
            )
            extra = self._line("span", begin + 8000, trace, call, span, request, line)
            yield from self._invocation(
                "ushop_sale-confirmations",
                trace,
                span,
                publish,
                begin,
                9_000,
                "",
                2,
                '"kind":"CONSUMER"',
                start,
                "",
                "pubsub",
                request,
                [extra],
                f',"status":2,"severityText":"E",{error}',
            )
            return
        calls = (
            f'["{put}","dynamodb.PutItem","ushop_sales",2000,5100,200,[]],'
            f'["{self._id(16)}","sqs.SendMessage","ushop_shipping",8000,4400,200,'
            f'["sqs:{self._uuid()}"]],'
            f'["{self._id(16)}","events.PutEvents","default",13000,4700,200,'
            f'["events:{request}"]]'
        )
        yield from self._invocation(
            "ushop_sale-confirmations",
            trace,
            span,
            publish,
            begin,
            19_000,
            calls,
            4,
            '"kind":"CONSUMER"',
            start,
            "",
            "pubsub",
            request,
        )
        self.sent = request

    def _after(self, trace: str, put: str) -> Iterator[str]:
        begin = self.now_us + 120_000
        yield from self._invocation(
            "ushop_shipping-worker",
            trace,
            self._id(16),
            put,
            begin,
            7_000,
            f'["{self._id(16)}","s3.PutObject","ushop-labels",1000,5200,200,[]]',
            2,
            '"kind":"CONSUMER"',
            '"trigger":"sqs","source":"ushop_shipping","records":1',
            "",
            "pubsub",
        )
        yield from self._invocation(
            "ushop_receipt-email",
            self._id(32),
            self._id(16),
            "",
            begin + 900,
            7_400,
            f'["{self._id(16)}","ses.SendEmail","",1000,5900,200,[]]',
            2,
            '"kind":"CONSUMER"',
            f'"trigger":"events","source":"default","linkIn":["events:{self.sent}"]',
            "",
            "pubsub",
        )
        self.batch.append((trace, put, self._id(16)))
        if len(self.batch) == BATCH:
            yield from self._stream(begin + 300_000)
            self.batch = []

    def _stream(self, begin: int) -> Iterator[str]:
        links = ",".join(f'["{trace}","{put}"]' for trace, put, _ in self.batch)
        records = ",".join(
            f'["{span}","{trace}","{put}","{number:021d}",{2000 + number},900,""]'
            for number, (trace, put, span) in enumerate(self.batch)
        )
        yield from self._invocation(
            "ushop_sale-analytics",
            self._id(32),
            self._id(16),
            "",
            begin,
            14_000,
            "",
            1 + BATCH,
            '"kind":"CONSUMER"',
            f'"trigger":"dynamodb","source":"ushop_sales","records":{BATCH},"links":[{links}]',
            "",
            "datasource",
            "",
            (),
            f',"records":[{records}]',
        )

    def _invocation(  # noqa: PLR0913, PLR0917  # a line has that many fields
        self,
        function: str,
        trace: str,
        span: str,
        parent: str,
        begin: int,
        lasted: int,
        calls: str,
        spans: int,
        kind: str,
        start: str,
        tags: str,
        trigger: str,
        request: str = "",
        between: "list[str] | tuple[str, ...]" = (),
        rest: str = "",
    ) -> Iterator[str]:
        self.spans += spans
        request = request or self._uuid()
        told = f'"name":"{function}",{kind},"startUs":{begin}'
        if self.mixed:
            yield START.format(request)
        tagged = f',"tags":{tags}' if tags else ""
        yield self._line("start", begin, trace, span, parent, request, f"{told},{start}{tagged}")
        if self.mixed:
            yield f"[INFO]\t{self._stamp(begin)}\t{request}\tworking on it, and saying so"
        yield from between
        called = f',"calls":[{calls}]' if calls else ""
        yield self._line(
            "invocation",
            begin + lasted,
            trace,
            span,
            parent,
            request,
            f'{told},"durationUs":{lasted},"cpuUs":{lasted // 2}{called},"attributes":'
            f'{{"faas.trigger":"{trigger}","faas.version":"$LATEST",'
            f'"cloud.account.id":"123456789012","cloud.region":"us-east-1"}}{rest}',
        )
        if self.mixed:
            yield END.format(request)
            yield REPORT.format(request, f"{(lasted + 1500) / 1000:.2f}", lasted // 1000 + 3)

    def _line(  # noqa: PLR0913, PLR0917  # as above
        self, record: str, at_us: int, trace: str, span: str, parent: str, request: str, rest: str
    ) -> str:
        above = f'"parentSpanId":"{parent}",' if parent else ""
        return (
            f'{{"lumitrace":1,"record":"{record}","timestamp":"{self._stamp(at_us)}",'
            f'"level":"INFO","traceId":"{trace}","spanId":"{span}",{above}'
            f'"requestId":"{request}",{rest}}}'
        )

    def _stamp(self, at_us: int) -> str:
        second, within = divmod(at_us, 1_000_000)
        if second not in self.stamps:
            self.stamps = {second: f"{datetime.fromtimestamp(second, timezone.utc):%FT%T}"}
        return f"{self.stamps[second]}.{within // 1000:03d}Z"

    def _id(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def _uuid(self) -> str:
        text = self._id(32)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def write(out: TextIO, spans: int, *, mixed: bool = False, seed: int = 1) -> int:
    """Write at least *spans* spans to *out* and return how many sales they are."""
    shop, number = Shop(seed, mixed=mixed), 0
    while shop.spans < spans:
        number += 1
        out.write("\n".join(shop.sale(number)) + "\n")
    return number


def main() -> None:
    """Write a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--mixed", action="store_true", help="with Lambda's lines around ours")
    asked = parser.parse_args()
    with asked.path.open("w", encoding="ascii") as out:
        write(out, asked.spans, mixed=asked.mixed)


if __name__ == "__main__":
    main()
