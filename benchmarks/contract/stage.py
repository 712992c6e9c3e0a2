"""Runs the cases in the environment of a peer, bare and wrapped."""

import contextlib
import tempfile
import time
from pathlib import Path

import cases
import compare
import peers
from sinks import Sinks
from tests.twin.beside import FOLDERS
from tests.twin.twins import Twins, body_of

from lumitrace.reassembly.deploy.layer import PTH

LEFT_MS = 30_000  # of an invocation, when it begins


class Stage:
    """One peer's interpreter, the servers that it talks to, and what they have taken."""

    def __init__(self, peer, folder):
        self.peer = peer
        self.sinks = Sinks(peers.certificate())
        self.twins = Twins(folder, python=peers.python_of(peer), folders=FOLDERS)

    def stop(self):
        """End them."""
        self.twins.stop()
        self.sinks.stop()

    def run(self, case, *, wrapped, settings=None, ours="", layer=False):
        """Return the `Outcome` of one process.

        Args:
            case: what is run; an event of it is a value, or a value with headers.
            wrapped: whether the peer is there.
            settings: further variables that are set.
            ours: where lumitrace stands beside it, as `apps/app.py` has it.
            layer: whether lumitrace is there as a layer.
        """
        told = [it if isinstance(it, tuple) else (it, {}) for it in case.events]
        told = [(body_of(event), _headers(headers)) for event, headers in told]
        as_layer = layer or (wrapped and self.peer.layer)
        told_too = {
            **self.sinks.settings(self.peer),
            "LUMITRACE_AUTO": "1",
            "_HANDLER": "app.handler",
            **(settings or {}),
            **case.environment,
            "CONTRACT_CASE": case.handler,
            "CONTRACT_PEER": self.peer.name if wrapped and not self.peer.layer else "",
            "CONTRACT_LUMITRACE": ours,
        }
        more = {"pth": PTH} if as_layer else {}
        self.sinks.forget()
        return self.twins.run("app.handler", told, traced=as_layer, environment=told_too, **more)

    def findings(self, case):
        """Run *case* bare and wrapped; return how they differ."""
        bare, twin = (self.run(case, wrapped=it) for it in (False, True))
        found = compare.differences(case, bare, twin)
        if case.sums:
            lines, written = compare.own_lines(case, bare, twin)
            if lines:
                told = f"{lines:.0f} ({written:,.0f} bytes)"
                found.append(compare.Finding(cases.OWN, case.handler, told))
            asked, datagrams = (len(it) / len(case.events) for it in self.sinks.taken())
            for count, what in ((asked, "HTTP"), (datagrams, "UDP")):
                if count:
                    told = f"{count:.1f} {what}"
                    found.append(compare.Finding(cases.SENT, case.handler, told))
        return found


def _headers(headers):
    return lambda: {"Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + LEFT_MS), **headers}


@contextlib.contextmanager
def stage_of(peer):
    """Have the stage of *peer* while the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(peer, Path(folder))
        try:
            yield stage
        finally:
            stage.stop()
