"""The virtual stack trace, printed."""

from typing import Any

from lumitrace.reassembly.cli.screen import Screen, clock, one_line

FRAMES = 20  # of a thread that are printed
_SERVICE, _NAME, _ID = 12, 32, 42  # columns
_TIMES = "    00:00:00.000"


def show(screen: Screen, frames: list[dict[str, Any]]) -> None:
    """Print *frames*, the most recent hop last."""
    screen.line(("virtual stack trace (most recent hop last)", "bold"))
    service_width = max(_SERVICE, *(len(frame["service"]) for frame in frames), 0)
    name_width = min(_NAME, max((len(frame["name"]) for frame in frames), default=0))
    id_width = min(_ID, max((len(frame["id"]) for frame in frames), default=0))
    indent = len("  ") + service_width + 1
    beside = screen.width is None or indent + name_width + id_width + len(_TIMES) <= screen.width
    for frame in frames:
        said = "  ".join(part for part in _said(frame) if part)
        service = f"{one_line(frame['service']):{service_width}}"
        left = f"  {service} {one_line(frame['name']):{name_width}}"
        identifier, time = one_line(frame["id"]), clock(frame["timeUs"])
        if beside:
            middle = f"  {identifier:{id_width}}  {time}"
            screen.line(left, (middle, "dim"), f"  {said}" if said else "", hang=indent)
        else:
            screen.line(left, (f"  {time}", "dim"), hang=indent)
            if identifier or said:
                between = "  " if identifier and said else ""
                screen.line(" " * indent, (identifier, "dim"), between + said, hang=indent)
        failure = frame["failure"]
        if failure:
            told = f"✗ {failure['type']}: {one_line(failure['message'])}".rstrip(": ")
            screen.line(" " * indent, (told, "red"), hang=indent + 2)
        _threads(screen, frame["threads"], " " * indent)


def _threads(screen: Screen, threads: list[dict[str, Any]], left: str) -> None:
    """Print what Python's watchdog wrote before a timeout, the most recent call first."""
    for thread in threads:
        screen.line((left, ""), (one_line(f"thread {thread['name']} before the deadline"), "bold"))
        for frame in thread["frames"][:FRAMES]:
            said = f"  {frame['file']}:{frame['line']} {frame['function']}"
            screen.line((left, ""), one_line(said))
        more = len(thread["frames"]) - FRAMES
        if more > 0:
            screen.line((left, ""), (f"  and {more} more: --json lists them all", "dim"))


def _said(frame: dict[str, Any]) -> list[str]:
    shared = frame["sharedBy"]
    return [
        frame["at"],
        frame["attempt"],
        f"shared by {shared}" if shared else "",
        f"received {frame['received']} times" if frame["received"] > 1 else "",
        f"[{frame['witness']}]" if frame["witness"] else "",
        *frame["init"],
        frame["stopped"],
    ]
