"""Runs the stage by hand: ``python -m local_aws`` from ``examples/ushop``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from .customers import seed, sell
from .lambda_platform import Settings
from .record import record
from .stage import USHOP, Stage
from .template import TemplateError

if TYPE_CHECKING:
    from .customers import Sale

SOURCE = Path(__file__).parents[3] / "src"  # lumitrace itself, in a checkout


def main() -> int:
    """Start, tell the addresses, sell if asked to, and run until Ctrl-C."""
    arguments = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        with _stage(arguments) as stage:
            _tell_addresses(stage)
            seed(stage)
            if arguments.sell:
                _sell(stage, arguments)
            if arguments.record:
                count = record(stage.clients.logs, arguments.record)
                _say(f"{count} log events are in {arguments.record}")
            if arguments.keep or not arguments.sell:
                _say("The shop is open until Ctrl-C.")
                threading.Event().wait()
    except KeyboardInterrupt:
        _say("\nClosed.")
        return 130
    except (OSError, TemplateError, BotoCoreError, ClientError) as error:
        _say(f"The stage cannot go on: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--endpoint-url", help="use this endpoint, and start no moto")
    parser.add_argument("--template", type=Path, default=USHOP, help="what to play")
    parser.add_argument("--sell", type=float, metavar="SECONDS", help="send customers for so long")
    parser.add_argument(
        "--broken-after", type=float, metavar="SECONDS", help="then amounts are text"
    )
    parser.add_argument("--rate", type=float, default=5, help="sales a second (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which sales (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="OUT", help="write all log events down")
    parser.add_argument("--keep", action="store_true", help="stay open when the sale is over")
    return parser


def _stage(arguments: argparse.Namespace) -> Stage:
    _say("The stage is being set up …")
    layers = [Path(it) for it in os.environ.get("PYTHONPATH", "").split(os.pathsep) if it]
    settings = Settings(layers=[*layers, SOURCE])
    return Stage(arguments.template, endpoint_url=arguments.endpoint_url, settings=settings)


def _tell_addresses(stage: Stage) -> None:
    _say(
        f"the shop          POST {stage.api_url}/sales\n"
        f"its prices        GET {stage.http_api_url}/prices/silk-scarf?amount=42.50\n"
        f"AWS, but Lambda   {stage.endpoint_url}\n"
        f"Lambda's Invoke   {stage.lambda_url}"
    )


def _sell(stage: Stage, arguments: argparse.Namespace) -> None:
    def progress(sale: Sale, status: int) -> None:
        amount = f'"{sale.amount}"' if sale.as_text else f"{sale.amount}"
        at = f"{sale.after_s:6.1f} s"
        _say(f"{at}  {sale.sale_id}  {sale.department:<6}  {amount:>9}  HTTP {status}")

    truth = sell(
        stage.api_url,
        seconds=arguments.sell,
        broken_after=arguments.broken_after,
        rate=arguments.rate,
        seed=arguments.seed,
        progress=progress,
    )
    stage.drain()
    _say(
        f"{len(truth.sales)} sales, of which {len(truth.failed)} must have failed: "
        f"{truth.failed_total} in orders of {truth.failed_customers} customers"
    )


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
