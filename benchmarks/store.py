"""How fast a store answers, beside DuckDB's bare read of the same table.

    python benchmarks/store.py --spans 10000000 --hours 16 --folder FOLDER

The logs are those of benchmarks/reassembly/generate.py, spread over so many hours and over 50
sandboxes a function. The folder needs 120 bytes a span; a store that is there already is used. Each
question is asked several times, about another transaction, minute or hour each time. The table
shows the median and the slowest on the clock, and the mean of CPU, within one process and without
its start. A machine that does other things makes the clock worthless: the load stands above.
"""

import argparse
import gc
import os
import random
import re
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "reassembly"))
import generate

from lumitrace.reassembly.answers.show import shown
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store import figures
from lumitrace.reassembly.store.database import Database
from lumitrace.reassembly.store.derive import Deriving
from lumitrace.reassembly.store.folder import HOUR_MS, Folder
from lumitrace.reassembly.store.incoming import Incoming
from lumitrace.reassembly.store.one import one
from lumitrace.reassembly.store.reading import Reading
from lumitrace.reassembly.store.why import why

SPANS_A_SALE = 12.0
SAID = re.compile(r'"timestamp":"([^"]+)".*?"requestId":"([^"]+)","name":"([^"]+)"')
TIMES = 15


def events(spans, hours):
    """Yield the log events of a shop."""
    generate.RATE_US = int(hours * 3600e6 / (spans / SPANS_A_SALE))
    shop, number, order, seconds = generate.Shop(1, mixed=False), 0, 0, {}
    while shop.spans < spans:
        number += 1
        for line in shop.sale(number):
            stamp, request, name = SAID.search(line).groups()
            if name.startswith("dynamodb."):
                name = "ushop_sale-confirmations"
            if stamp[:19] not in seconds:
                moment = datetime.fromisoformat(stamp[:19]).replace(tzinfo=timezone.utc)
                seconds = {stamp[:19]: int(moment.timestamp()) * 1000}
            order += 1
            time_ms = seconds[stamp[:19]] + int(stamp[20:23])
            stream = f"[$LATEST]{int(request[:4], 16) % generate.SANDBOXES}"
            yield LogEvent(f"/aws/lambda/{name}", stream, time_ms, line, order)


def fill(folder, spans, hours, memory):
    """Fill the store in *folder*, and say how long it took."""
    gc.disable()
    began = time.monotonic()
    with folder.writing(), Database.bounded(memory, folder.path / "spill") as database:
        if not folder.hours():
            with Incoming(folder, database, 0, payloads=False) as incoming:
                incoming.take(events(spans, hours))
                incoming.put_away()
            print(f"lines in after {time.monotonic() - began:.0f} s", flush=True)
        Deriving(folder, database, lambda said: print(said, flush=True)).run()
    print(f"put together after {time.monotonic() - began:.0f} s", flush=True)
    gc.enable()


def measured(questions):
    """Return the median and the slowest of *questions*, and their mean of CPU, in ms."""
    took, used = [], []
    for question in questions:
        began, busy = time.perf_counter(), sum(os.times()[:4])
        question()
        took.append((time.perf_counter() - began) * 1000)
        used.append((sum(os.times()[:4]) - busy) * 1000)
    return statistics.median(took), max(took), statistics.mean(used)


def samples(reading, rng):
    """Return ids and tags of transactions from all over the store, by kind."""
    found = {"trace id": [], "span id": [], "request id": [], "message id": [], "tag": []}
    for hour in rng.choices(reading.hours, k=TIMES):
        count = int(hour.facts["transactions"])
        numbers = [(hour.number, rng.randrange(count))]
        transaction = reading.transactions(numbers).transactions[0]
        span = rng.choice(transaction.spans)
        sent = [key for one in transaction.spans for key in one.link_out]
        keys = [key for key in sent if not key.startswith("destination:")]
        tags = [tag for one in transaction.spans for tag in one.tags.items()]
        found["trace id"].append(transaction.id)
        found["span id"].append(span.span_id)
        found["request id"].append(rng.choice(transaction.attempts).request_id)
        found["message id"] += [rng.choice(keys)] if keys else []
        found["tag"] += ["=".join(tag) for tag in tags if tag[0] == "saleId"][:1]
    return found


def show(folder, wanted):
    """Answer `lumitrace show`."""
    answer = shown(*one(Reading(folder), wanted)[::-1])
    if not answer or not answer["transaction"]:
        raise SystemExit(wanted)


def table(folder):
    """Print what each question takes."""
    rng, reading = random.Random(2), Reading(folder)  # noqa: S311  # the same each time
    load = os.getloadavg()[0]
    size = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    ids = reading.table("ids")
    spans = reading.database.number(f"SELECT COUNT(*) FROM {ids} WHERE kind = 2")  # noqa: S608
    shape = f"{spans:,} spans in {len(reading.hours)} hours, {size / 1e6:,.0f} MB"
    today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    print(f"\n{shape}; {os.cpu_count()} cores, load {load:.1f}, {today}\n")
    print("| question | median, ms | slowest, ms | CPU, ms |\n|---|---|---|---|")
    whole = [one for one in reading.hours if one.facts["transactions"]][1:-1] or reading.hours

    def row(name, questions):
        middle, slowest, cpu = measured(questions)
        print(f"| {name} | {middle:,.0f} | {slowest:,.0f} | {cpu:,.0f} |", flush=True)

    for kind, several in samples(reading, rng).items():
        row(f"a transaction by its {kind}", [lambda i=i: show(folder, i) for i in several])
    minutes = [
        (rng.choice(whole).number * HOUR_MS) + rng.randrange(60) * 60_000 for _ in range(TIMES)
    ]
    row(
        "the issues of one minute",
        [lambda at=at: figures.issues(Reading(folder, Window(at, at + 59_999))) for at in minutes],
    )
    hours = [rng.choice(whole).number * HOUR_MS for _ in range(5)]
    row(
        "why, of one hour",
        [lambda at=at: why(Reading(folder, Window(at, at + HOUR_MS - 1))) for at in hours],
    )
    row("figures of every function", [lambda: figures.functions(Reading(folder))] * 5)
    runs = reading.table("runs")
    bare = f"SELECT MAX(start_ms), MAX(duration_us), MAX(function_name) FROM {runs}"  # noqa: S608
    row("DuckDB's bare read of those figures' columns", [lambda: Database().rows(bare)] * 5)
    every = f"SELECT MAX(head), MAX(no) FROM {ids}"  # noqa: S608
    row("DuckDB's bare read of all ids", [lambda: Database().rows(every)] * 3)
    trace = samples(reading, rng)["trace id"][0]
    command = [sys.executable, "-m", "lumitrace.reassembly.cli", "show", trace, "--store"]
    run = [*command, str(folder.path), "--json"]
    row(
        "`lumitrace show ID`, the whole process",
        [lambda: subprocess.run(run, check=True, stdout=subprocess.DEVNULL)] * 3,  # noqa: S603
    )


def main():
    """Fill a store and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--hours", type=float, default=16)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", default="")
    asked = parser.parse_args()
    folder = Folder.created(str(asked.folder))
    folder.set_settings({**folder.settings(), "keepDays": 0})
    fill(folder, asked.spans, asked.hours, asked.memory)
    table(folder)


if __name__ == "__main__":
    main()
