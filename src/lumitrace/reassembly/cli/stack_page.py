"""The virtual stack trace, printed."""

from typing import Any

from lumitrace.reassembly.cli.screen import Screen, clock, one_line

FRAMES = 20  # of a thread that are printed
_SERVICE, _NAME, _ID = 12, 32, 42  # columns


def show(screen: Screen, frames: list[dict[str, Any]]) -> None:
    """Print *frames*, the most recent hop last."""
    screen.line(("virtual stack trace (most recent hop last)", "bold"))
    service_width = max(_SERVICE, *(len(frame["service"]) for frame in frames), 0)
    name_width = min(_NAME, max((len(frame["name"]) for frame in frames), default=0))
    id_width = min(_ID, max((len(frame["id"]) for frame in frames), default=0))
    for frame in frames:
        said = "  ".join(part for part in _said(frame) if part)
        service = f"{one_line(frame['service']):{service_width}}"
        left = f"  {service} {one_line(frame['name']):{name_width}}"
        middle = f"  {one_line(frame['id']):{id_width}}  {clock(frame['timeUs'])}"
        failure = frame["failure"]
        screen.line(left, (middle, "dim"), f"  {said}" if said else "")
        if failure:
            told = f"✗ {failure['type']}: {one_line(failure['message'])}".rstrip(": ")
            screen.line(("  " + " " * service_width + " ", ""), (told, "red"))
        _threads(screen, frame["threads"], "  " + " " * service_width + " ")


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
