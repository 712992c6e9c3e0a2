"""Lumigo, by its decorator; its edge's name leads to a server of this machine.

https://pypi.org/project/lumigo-tracer/
"""

import os
import socket

real = socket.getaddrinfo


def resolve(host, port, *args, **kwargs):
    """Have the edge's name lead to the loopback."""
    if isinstance(host, str) and host.endswith("golumigo.com"):
        host, port = "127.0.0.1", int(os.environ["CONTRACT_TLS_PORT"])
    return real(host, port, *args, **kwargs)


socket.getaddrinfo = resolve

from lumigo_tracer import lumigo_tracer  # noqa: E402  # it connects while it is imported

wrap = lumigo_tracer(token="t_10faa5e13e7844aaa1234")  # noqa: S106  # nobody's
