"""What of a URL's path is a name, and may be written; the rest may be data.

Where a service knows the template of a route, that is written instead.
"""

REST = "*"  # stands for what is not written
# Segments before the one that names what a request is about; a version (``v1``) is one too.
LEADING = frozenset(("api", "apis", "app", "internal", "public", "rest"))
MAX_NAME = 32  # characters
MAX_SEGMENTS = 8  # looked at


def named(path: str) -> str:
    """Return the first name in *path*, and ``*`` for all after it.

    ``/api/v1/orders/628d8a`` gives ``/api/v1/orders/*``. A name has letters, ``-`` and ``_`` alone;
    of a path that begins with anything else nothing is kept: ``/*``.
    """
    segments = path.lstrip("/").split("/", MAX_SEGMENTS) if path else []
    told = ""
    for number, segment in enumerate(segments, 1):
        leads, left = _is_leading(segment), segments[number:]
        if not leads and not _is_name(segment):
            return f"{told}/{REST}" if segment or left else f"{told}/"
        told += f"/{segment}"
        if left and not leads:
            return f"{told}/" if left == [""] else f"{told}/{REST}"
    return told


def _is_leading(segment: str) -> bool:
    return segment in LEADING or (
        segment[:1] == "v" and len(segment) <= 4 and segment[1:].replace(".", "").isdigit()
    )


def _is_name(segment: str) -> bool:
    letters = segment.replace("-", "").replace("_", "")
    return letters.isalpha() and letters.isascii() and len(segment) <= MAX_NAME
