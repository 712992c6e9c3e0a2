"""What holds for every test: nothing of the caller's environment, no network, and no dice."""

import os
import socket
from contextlib import suppress

import pytest

with suppress(ImportError):  # not every environment has it
    from hypothesis import HealthCheck, settings

    # The same examples in each run, however slow the machine: `--hypothesis-profile=default` draws
    # others, which is for whoever looks for what nobody has thought of.
    settings.register_profile(
        "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("same")

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """Take away what would make a test depend on who runs it."""
    for name in os.environ:
        if name.startswith(("AWS_", "LUMITRACE_", "OTEL_", "_X_AMZN_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def connect_here(self, address):
        inside = self.family not in (socket.AF_INET, socket.AF_INET6)
        if inside or str(address[0]).startswith(_LOOPBACK):
            return connect(self, address)
        message = f"a test tried to reach {address}"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
