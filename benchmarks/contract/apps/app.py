"""The function that Lambda is given: a handler of a case, wrapped as the environment says.

``CONTRACT_CASE`` is the handler, ``CONTRACT_PEER`` the tracer that wraps it, and
``CONTRACT_LUMITRACE`` says where lumitrace stands beside it: ``first`` or ``last``, which is when
it patches, and ``inside`` or ``outside``. The handlers' own ``@traced`` does nothing here.
"""

import importlib
import os

PEER = os.environ.pop("CONTRACT_PEER", "")
OURS = os.environ.pop("CONTRACT_LUMITRACE", "").split()


def nothing(event, context):
    """Stand in for a handler, so that lumitrace patches before the peer does."""


if OURS:
    from lumitrace import traced
if "first" in OURS:
    traced(nothing)
peer = importlib.import_module(f"with_{PEER}") if PEER else None
module, _, name = os.environ.pop("CONTRACT_CASE").rpartition(".")
handler = getattr(importlib.import_module(module), name)
if "inside" in OURS:
    handler = traced(handler)
if hasattr(peer, "wrap"):
    handler = peer.wrap(handler)
if hasattr(peer, "ready"):
    peer.ready()
if "outside" in OURS:
    handler = traced(handler)
