"""For your tests: what a traced handler writes, as Python objects.

::

    with lumitrace.testing.capture() as captured:
        handler = traced(app.handler)
        handler(event, context)
    assert captured.one("invocation")["tags"] == {"saleId": "s-1"}
"""

from lumitrace.testing._capture import Captured, capture

__all__ = ["Captured", "capture"]
