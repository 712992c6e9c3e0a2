"""The folder of a store: which files an hour consists of, and how that changes at one moment.

    store.json          that it is a store, and how long lines are kept
    lock                held by whoever writes
    hours/2026-11-23T02/
      hour.json         names the files that count; it is replaced as a whole
      lines-….parquet   the log events of that hour
      tables-…/         what was made of them
      counted.json      what AWS counted of it

A file that ``hour.json`` names is never changed. Whoever writes puts new files beside the old
ones, flushes them to the disk and replaces ``hour.json``: a reader sees the old hour or the new
one, and so does whoever opens the store after a crash. What no ``hour.json`` names is rubbish.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.problem import MISUSE, Problem
from lumitrace.reassembly.store.disk import flush, write

FORMAT = 2
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEEP_DAYS = 14
GRACE_S = 60  # a reader that began before an hour was replaced may still open its files
COUNTED = "counted.json"  # of an hour; it is replaced as a whole, by itself
READS = 5  # of an hour that is replaced while it is read
_NAME = "%Y-%m-%dT%H"
_MARK = "lumitrace store"
_OWN = frozenset(("lock", "hours", "store.json.new"))  # where making a store was interrupted


@dataclass(frozen=True)
class Hour:
    """What ``hour.json`` says.

    Attributes:
        number: hours since 1970.
        lines: files of log events, by their names; the first holds what *tables* were made of.
        tables: the folder of the tables, "" where there are none yet.
        stale: lines came in, here or beside it, since the tables were made.
        facts: counts, and what else the tables leave to say.
    """

    number: int
    lines: tuple[str, ...] = ()
    tables: str = ""
    stale: bool = True
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the hour in words: ``2026-11-23T02``."""
        return name_of(self.number)


def name_of(hour: int) -> str:
    """Return the name of the *hour*, hours since 1970."""
    return datetime.fromtimestamp(hour * 3600, timezone.utc).strftime(_NAME)


class Folder:
    """A store on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hours_path = path / "hours"

    @classmethod
    def opened(cls, path: str) -> "Folder":
        """Return the store at *path*.

        Raises:
            Problem: there is none, or one that this version cannot read.
        """
        folder = cls(Path(path))
        if not folder.path.is_dir():
            message = f"there is no store at {path}; fill one: lumitrace fetch --store {path} …"
            raise Problem(message)
        folder.settings()
        return folder

    @classmethod
    def created(cls, path: str) -> "Folder":
        """Return the store at *path*, made where there is none. Its owner alone can read it.

        Raises:
            Problem: something else is there, or nothing can be made there.
        """
        folder = cls(Path(path))
        try:
            folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (folder.path / "store.json").exists():
                if any(one.name not in _OWN for one in folder.path.iterdir()):
                    message = f"{path} holds other files; give a folder of its own as --store"
                    raise Problem(message, MISUSE)
                folder.path.chmod(0o700)
                folder.set_settings({_MARK: FORMAT, "keepDays": KEEP_DAYS, "fetches": 0})
            folder.hours_path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            message = f"{path} cannot be a store: {error.strerror}; give another folder as --store"
            raise Problem(message) from None
        folder.settings()
        return folder

    # What it says of itself

    def settings(self) -> dict[str, Any]:
        """Return what ``store.json`` says.

        Raises:
            Problem: it is no store of ours, or another version's.
        """
        said = self._json(self.path / "store.json")
        if said is None or not isinstance(said.get(_MARK), int):
            message = f"{self.path} is no store of lumitrace's; give the folder that fetch filled"
            raise Problem(message)
        if said[_MARK] > FORMAT:
            message = f"{self.path} was written by a later lumitrace; update this one to read it"
            raise Problem(message)
        if said[_MARK] < FORMAT:
            message = (
                f"{self.path} was written by an earlier lumitrace, in another form; fetch its "
            )
            message += "logs into a new store"
            raise Problem(message)
        return said

    def set_settings(self, settings: dict[str, Any]) -> None:
        """Let ``store.json`` say *settings*."""
        write(self.path / "store.json", json.dumps(settings, indent=1) + "\n")

    def said(self, name: str) -> dict[str, Any]:
        """Return what the JSON file *name* beside ``store.json`` holds; {} where there is none."""
        return self._json(self.path / name) or {}

    def say(self, name: str, content: dict[str, Any]) -> None:
        """Let the JSON file *name* hold *content*."""
        write(self.path / name, json.dumps(content, indent=1) + "\n")

    @staticmethod
    def _json(path: Path) -> dict[str, Any] | None:
        try:
            return json_object(path.read_text("utf-8", errors="replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}; check its permissions"
            raise Problem(message) from None

    # Its hours

    def numbers(self) -> list[int]:
        """Return the hours that have a folder, the oldest first."""
        try:
            names = sorted(one.name for one in self.hours_path.iterdir() if one.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"{self.hours_path} cannot be listed: {error.strerror}"
            raise Problem(message) from None
        return [number for name in names if (number := _number(name)) is not None]

    def hours(self) -> list[Hour]:
        """Return the hours that hold lines, the oldest first."""
        return [one for one in map(self.hour, self.numbers()) if one.lines]

    def hour(self, number: int) -> Hour:
        """Return the hour *number* as it stands now.

        Raises:
            Problem: it is damaged.
        """
        path = self.place(number) / "hour.json"
        said = self._json(path)
        if said is None:
            if path.exists():
                message = f"{path} is damaged; copy the store again, or remove this hour's folder"
                raise Problem(message)
            return Hour(number)
        lines, facts = said.get("lines"), said.get("facts")
        return Hour(
            number,
            tuple(map(_inside, lines if isinstance(lines, list) else [])),
            _inside(said.get("tables")),
            said.get("stale") is not False,
            facts if isinstance(facts, dict) else {},
        )

    def place(self, number: int) -> Path:
        """Return the folder of the hour *number*."""
        return self.hours_path / name_of(number)

    def put(self, hour: Hour) -> None:
        """Let *hour* count from now on; its files are on the disk. What counted before goes later.

        Whoever calls holds the lock.
        """
        place = self.place(hour.number)
        before = self.hour(hour.number)
        for name in (*hour.lines, hour.tables):
            if name:
                flush(place / name)
        said = {
            "lines": list(hour.lines),
            "tables": hour.tables,
            "stale": hour.stale,
            "facts": hour.facts,
        }
        write(place / "hour.json", json.dumps(said) + "\n")
        for name in {*before.lines, before.tables} - {*hour.lines, hour.tables, ""}:
            with contextlib.suppress(OSError):
                os.utime(place / name)  # from now on it counts no more
        self._sweep(hour)

    def mark_stale(self, number: int) -> None:
        """Note that the tables of the hour *number* are to be made anew, where there are any."""
        hour = self.hour(number)
        if hour.lines and not hour.stale:
            self.put(replace(hour, stale=True))

    def made(self, number: int) -> Path:
        """Return the folder of the hour *number*, made where there is none."""
        place = self.place(number)
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def remove(self, number: int) -> None:
        """Take the hour *number* away: first its word, then its files."""
        place = self.place(number)
        (place / "hour.json").unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

    def _sweep(self, hour: Hour, grace_s: float = GRACE_S) -> None:
        """Remove what is named no more, once nobody can be about to open it."""
        kept = {"hour.json", COUNTED, *hour.lines, hour.tables}
        for one in self.place(hour.number).iterdir():
            if one.name in kept:
                continue
            with contextlib.suppress(OSError):
                if time.time() - one.stat().st_mtime < grace_s:
                    continue
                if one.is_dir():
                    shutil.rmtree(one)
                else:
                    one.unlink()

    def sweep(self) -> None:
        """Remove at once all that is named no more; what must be gone is not kept for readers."""
        for hour in self.hours():
            self._sweep(hour, -1)
        for one in self.path.glob("incoming-*"):
            shutil.rmtree(one, ignore_errors=True)

    # Who writes

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock; one writes at a time, and any number read.

        Raises:
            Problem: somebody else writes.
        """
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another lumitrace is writing to {self.path}; wait until it has ended"
                raise Problem(message) from None
            for one in self.path.glob("incoming-*"):  # of a writer that was killed
                shutil.rmtree(one, ignore_errors=True)
            yield
        finally:
            os.close(handle)


def _number(name: str) -> int | None:
    try:
        moment = datetime.strptime(name, _NAME).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp()) // 3600


def _inside(name: object) -> str:
    """Return *name* where it is one of the hour's own files: a copied store leads nowhere else."""
    return name if isinstance(name, str) and "/" not in name and name not in {".", ".."} else ""
