"""What CPython's watchdog wrote of a function about to time out (``LUMITRACE_HANG_STACK``).

The format is faulthandler's, a line an event:
https://docs.python.org/3/library/faulthandler.html#dumping-the-tracebacks-after-a-timeout
Anybody may print the like, so only the last one of an attempt that timed out is read, and it is
told as a stack that was written, nothing else.
"""

import re
from dataclasses import dataclass, field

from lumitrace.reassembly.model import APPLICATION, Attempt

MAX_THREADS = 100  # faulthandler's own limits are 100 threads and 100 frames
MAX_FRAMES = 100
MAX_TEXT = 512  # characters of a file or a name, each is 500 at most

_BEGIN = re.compile(r"Timeout \((?:\d+ days?, )?\d+:\d\d:\d\d(?:\.\d+)?\)!\Z")
_THREAD = re.compile(
    r"(?:Current t|T)hread (0x[0-9a-f]+)(?: \[([^]]*)\])? \(most recent call first\):\Z"
)
_FRAME = re.compile(r'  File "(.*)", line (\d{1,9}|\?\?\?) in (.*)\Z')
# Not the function's own: what pip installs, Python itself, Lambda's runtime client, a layer, us.
_OTHERS = re.compile(
    r"site-packages/|lib/python\d|/awslambdaric/|/var/runtime/|^/opt/|<frozen|/lumitrace/"
)


@dataclass(slots=True)
class HungThread:
    """One thread, as it stood shortly before the deadline.

    Attributes:
        frames: (file, line, function), the most recent call first; the line may be ``???``.
    """

    name: str
    frames: list[tuple[str, str, str]] = field(default_factory=list)


def hung_threads(attempt: Attempt) -> list[HungThread]:
    """Return the threads of *attempt*, which timed out, or nothing where they were not written."""
    lines = [
        line for one in attempt.lines if one.origin == APPLICATION for line in one.text.splitlines()
    ]
    begins = [number for number, line in enumerate(lines) if _BEGIN.search(line)]
    threads: list[HungThread] = []
    for line in lines[begins[-1] + 1 :] if begins else ():
        begun, frame = _THREAD.match(line), _FRAME.match(line)
        if begun and len(threads) < MAX_THREADS:
            threads.append(HungThread(begun[2] or begun[1]))
        elif frame and threads and len(threads[-1].frames) < MAX_FRAMES:
            file, number, name = (text[:MAX_TEXT] for text in frame.groups())
            threads[-1].frames.append((file, number, name))
    return [thread for thread in threads if thread.frames]


def hung_at(threads: list[HungThread]) -> str:
    """Return the last frame of the function's own code, ``app.py:31 handler``, or "".

    Of the first thread that has one beside the handler's: faulthandler writes the main thread last.
    """
    for thread in reversed(threads):
        for file, line, name in thread.frames:
            if not _OTHERS.search(file):
                return f"{file.rpartition('/')[2]}:{line} {name}"
    return ""
