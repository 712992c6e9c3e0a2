"""``lumitrace blame``, printed."""

from typing import Any

from lumitrace.reassembly.answers.describe import SHORT_ID
from lumitrace.reassembly.cli.screen import Screen, date


def show(screen: Screen, told: dict[str, Any], source: str) -> None:
    """Print who wrote the item last; *source* are the arguments that name the logs again."""

    def line(name: str, text: str) -> None:
        screen.line((f"{name:13}", "bold"), text)

    line("item", f"{told['table']} {told['key']}")
    line("written", f"{date(told['writtenMs'] * 1000)} UTC, by its writer's clock")
    if told["elsewhere"]:
        line("", "in another table or region: this item is a copy, a replica or an import")
    writer = told["writer"]
    if writer is not None:
        release = f", release {writer['release']}" if writer["release"] else ""
        attempt = f", attempt {writer['attempt']}" if writer["attempt"] else ""
        line("by", f"{writer['function']}{release}{attempt}, request {writer['requestId']}")
        line("call", writer["call"] + (", refused" if writer["failed"] else ""))
    if len(told["transactions"]) > 1:
        line("one of", f"{len(told['transactions'])} transactions that a batch brought together")
    for one in told["transactions"]:
        tags = " ".join(f"{key}={value}" for key, value in one["tags"].items())
        said = f"{one['id'][:SHORT_ID]}  {one['state']}  {one['entry']}  {tags}".rstrip()
        line("transaction", said)
    if not told["asked"]:
        line("trace", f"{told['traceId']}, span {told['spanId']}")
        screen.line("Give log files or --log-group NAME to see the function and the transaction.")
    elif writer is None and not told["transactions"]:
        line("trace", f"{told['traceId']}, span {told['spanId']}")
        screen.line("These logs do not hold the write; widen --since, or add the writer's log.")
    else:
        screen.line()
        screen.line(("look further:  ", "bold"), f"lumitrace show {told['traceId']} {source}")
    note = "A later writer without lumitrace that updates an item leaves the mark as it was."
    screen.line((note, "dim"))
