"""A night at Ushop: it sells, its till begins to send wrong amounts, and its logs tell the rest.

Nine Lambda functions run on this machine under AWS's own runtime client. Nothing leaves the
machine, and everything that was started is stopped again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import _progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_aws import Stage, Truth
    from local_aws.customers import Sale

ROOT = Path(__file__).resolve().parent.parent
NIGHT = ROOT / "examples" / "ushop" / "recorded" / "night.jsonl"

SECONDS = 20
BROKEN_AFTER_S = 10
RATE = 5  # sales a second
ALARM_SHARE = 0.5
WATCHED = "ushop_sale-confirmations"
LOG_GROUPS = "/aws/lambda/ushop_*"


class DemoError(Exception):
    """What went wrong, as one sentence for a person."""


def main() -> int:
    """Play the night, or show the recorded one; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the shop running until Ctrl-C, to look around"
    )
    options = parser.parse_args()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, _interrupt)
    try:
        if sys.platform == "linux":
            _play(keep=options.keep)
        else:
            _replay()
    except DemoError as error:
        _progress.say(str(error))
        return 1
    except KeyboardInterrupt:
        _progress.say("stopped; nothing is left running")
        return 130
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _play(*, keep: bool) -> None:
    sys.path.insert(0, str(ROOT / "examples" / "ushop"))
    from local_aws import Stage, seed  # noqa: PLC0415  # found only now, and on Linux only

    began = time.monotonic()
    _tell("Opening the shop: nine functions and what they use of AWS, on this machine")
    try:
        with Stage() as stage:
            seed(stage)
            _tell(f"Open after {time.monotonic() - began:.1f} s")
            truth = _sell(stage)
            _wait_for_the_rest(stage)
            _page_somebody(stage)
            _ask(stage, truth)
            if keep:
                _stay(stage, truth.failed[0])
            else:
                _tell("Closing the shop. `scripts/demo --keep` leaves it open, to look around")
    except (OSError, TimeoutError) as error:
        message = f"the shop could not be played: {error}"
        raise DemoError(message) from error


def _sell(stage: Stage) -> Truth:
    from local_aws import sell  # noqa: PLC0415  # on Linux only

    _tell(
        f"Selling to all five departments for {SECONDS} s; after {BROKEN_AFTER_S} s a new till "
        "sends amounts as text"
    )
    began = shown = time.monotonic()
    taken = 0

    def progress(_sale: Sale, status: int) -> None:
        nonlocal shown, taken
        taken += status == 202
        now = time.monotonic()
        if now - shown >= 5:
            shown = now
            _tell(f"{now - began:3.0f} s  {taken} sales taken")

    truth = sell(
        stage.api_url,
        seconds=SECONDS,
        broken_after=BROKEN_AFTER_S,
        rate=RATE,
        progress=progress,
    )
    if not truth.failed:
        message = f"no sale went wrong: the shop refused {len(truth.refused)} sales at its door"
        raise DemoError(message)
    return truth


def _wait_for_the_rest(stage: Stage) -> None:
    _tell("Waiting for Lambda's retries, here after 0.5 s and 1 s, at AWS after 1 and 2 minutes")
    stage.drain()


def _page_somebody(stage: Stage) -> None:
    """Say what an alarm on Lambda's own metrics would say, if it would."""
    pages = stage.clients.logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{WATCHED}"
    )
    messages = [event["message"] for page in pages for event in page["events"]]
    invocations = sum(message.startswith("START RequestId:") for message in messages)
    errors = sum(message.startswith("[ERROR] ") for message in messages)
    if errors <= ALARM_SHARE * invocations:
        message = f"only {errors} of {invocations} invocations of {WATCHED} failed: no alarm"
        raise DemoError(message)
    when = time.strftime("%H:%M UTC", time.gmtime())
    print(
        f"\n  PagerDuty  {when}  {WATCHED}: failure rate is over 50 % in the last minute",
        flush=True,
    )


def _ask(stage: Stage, truth: Truth) -> None:
    told = _environment(stage)
    source = ["--log-group", LOG_GROUPS, "--endpoint-url", stage.endpoint_url]
    _lumitrace(["why", *source], told)
    _tell(
        f"The till knows better than any log: {len(truth.failed)} sales failed, "
        f"{truth.failed_total:,.2f} in orders, {truth.failed_customers} customers"
    )
    sale = truth.failed[0]
    _lumitrace(["show", f"saleId={sale.sale_id}", *source], told)


def _stay(stage: Stage, sale: Sale) -> None:
    exports = {**_environment(stage), "AWS_ENDPOINT_URL": stage.endpoint_url}
    body = replace(sale, sale_id="by-hand-1").body().decode()
    print("\nThe shop stays open. In another terminal:\n")
    print(f"  export {' '.join(f'{name}={value}' for name, value in exports.items())}")
    print(f"  export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    print(f"  lumitrace why --log-group '{LOG_GROUPS}'")
    print(f"  lumitrace transactions --log-group '{LOG_GROUPS}'")
    print(f"  lumitrace show saleId={sale.sale_id} --log-group '{LOG_GROUPS}'")
    print(f"  curl -d {shlex.quote(body)} {stage.api_url}/sales")
    print(f"\nCtrl-C here closes it, or: kill {os.getpid()}\n", flush=True)
    signal.pause()


def _environment(stage: Stage) -> dict[str, str]:
    from local_aws.clients import REGION, credentials  # noqa: PLC0415  # on Linux only

    return {**credentials(own_endpoint=True), "AWS_DEFAULT_REGION": stage.platform.region or REGION}


def _lumitrace(arguments: list[str], environment: dict[str, str]) -> None:
    """Run the installed command, and show how it was called."""
    program = Path(sys.executable).with_name("lumitrace")
    print(f"\n$ lumitrace {shlex.join(arguments)}\n", flush=True)
    code = subprocess.run(
        [str(program), *arguments], env={**os.environ, **environment}, check=False
    ).returncode
    if code:
        message = f"lumitrace {arguments[0]} ended with exit code {code}"
        raise DemoError(message)


def _replay() -> None:
    if not NIGHT.exists():
        message = f"{NIGHT.relative_to(ROOT)} is missing from this checkout"
        raise DemoError(message)
    _tell("AWS's runtime client runs on Linux only, so this is a night that was recorded")
    sale_id = _first_failed(NIGHT)
    path = os.path.relpath(NIGHT)
    _lumitrace(["why", path], {})
    _lumitrace(["show", f"saleId={sale_id}", path], {})


def _first_failed(night: Path) -> str:
    """Return the id of the first sale whose confirmation failed, from the functions' own logs."""
    sale_ids: dict[str, str] = {}
    for message in _messages(night):
        request = re.search(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", message)
        if request is None:
            continue
        if found := re.search(r"Confirming sale\. saleId = (\S+)", message):
            sale_ids[request[0]] = found[1]
        elif "Failed writing to DDB table" in message and request[0] in sale_ids:
            return sale_ids[request[0]]
    message = f"no sale failed in {night.name}"
    raise DemoError(message)


def _messages(night: Path) -> Iterator[str]:
    with night.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["message"]


def _tell(text: str) -> None:
    print(f"* {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
