"""What happens when we fail ourselves: nothing, to the host; a ``health`` line, to us.

The one place that catches broadly. ``with guard:`` swallows any `Exception` and counts it;
`SystemExit`, `KeyboardInterrupt` and their like are the host's and pass.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

MAX_KINDS = 32  # different failures remembered a process


class Guard:
    """A context manager without state of its own, so that one instance serves a whole module."""

    __slots__ = ("component",)

    def __init__(self, component: str) -> None:
        self.component = component

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        if reporter.reraise:
            return False
        try:
            if _is_the_hosts(traceback):
                return False
            reporter.report(self.component, f"{type(error).__name__} in {_place(traceback)}")
        except Exception:  # noqa: BLE001  # that it could not be told is no failure of the host's
            reporter.count += 1
        return True


class Reporter:
    """What went wrong in this process, each kind once.

    Attributes:
        reraise: in our own tests a failure of ours fails the test.
        waiting: (component, message) that no line has told yet.
        count: how many failures were swallowed in all.
    """

    __slots__ = ("count", "known", "reraise", "waiting")

    def __init__(self) -> None:
        self.reraise = False
        self.waiting: list[tuple[str, str]] = []
        self.known: set[tuple[str, str]] = set()
        self.count = 0

    def report(self, component: str, message: str) -> None:
        """Remember that *component* could not do what *message* says; the same is told once."""
        self.count += 1
        problem = (component, message)
        if problem not in self.known and len(self.known) < MAX_KINDS:
            self.known.add(problem)
            self.waiting.append(problem)

    def take(self) -> list[tuple[str, str]]:
        """Return what waits to be told, and forget that it waits."""
        told, self.waiting = self.waiting, []
        return told


def _is_the_hosts(traceback: "TracebackType | None") -> bool:
    """Tell whether a signal handler of the host's raised it while we happened to run."""
    import signal  # noqa: PLC0415  # only where something failed

    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {code for h in handlers if (code := getattr(h, "__code__", None)) is not None}
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _place(traceback: "TracebackType | None") -> str:
    """Return ``file.py:line`` of the innermost frame, the place to look at."""
    for _ in range(100):
        if traceback is None or traceback.tb_next is None:
            break
        traceback = traceback.tb_next
    if traceback is None:
        return "an unknown place"
    name = traceback.tb_frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{traceback.tb_lineno}"


reporter = Reporter()
