"""AWS in small and moto behind its proxy, from the room of capture, with the real clock."""

from tests.capture.conftest import (
    _behind,
    _fresh,
    _session,
    aws,
    captured,
    context,
    event,
    proxy,
)

__all__ = ["_behind", "_fresh", "_session", "aws", "captured", "context", "event", "proxy"]
