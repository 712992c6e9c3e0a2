"""What a person sees while a script works: one live line on a terminal, else a few."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time

QUIET_S = 10.0  # without a terminal, a line this often


def say(text: str) -> None:
    """Print one line for a person, at once."""
    print(f"lumitrace: {text}", file=sys.stderr, flush=True)


def run(command: list[str], what: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run *command*, show *what* and its newest line meanwhile; return its exit code and output."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        lines: list[str] = []
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            _wait(process, what, lines)
        except BaseException:
            process.terminate()
            raise
        reader.join()
        return process.returncode, "".join(lines)


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    for line in process.stdout or ():
        lines.append(line)  # noqa: PERF402  # the newest line is shown while this runs


def _wait(process: subprocess.Popen[str], what: str, lines: list[str]) -> None:
    live = sys.stderr.isatty()
    began = shown = time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        now = time.monotonic()
        if not live and now - shown < QUIET_S:
            continue
        shown = now
        text = f"lumitrace: {now - began:3.0f} s  {what}: {_newest(lines)}"
        if live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{text[:width]:<{width}}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
    if live:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _newest(lines: list[str]) -> str:
    for line in reversed(lines):
        if line.startswith("Installing collected"):
            return "unpacking"
        if line.startswith(("Collecting", "Downloading", "  Downloading", "Building", "Retrying")):
            return line.strip().partition(" (from ")[0]
    return "…"
