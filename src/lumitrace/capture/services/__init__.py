"""The AWS services: a file each for those with a context or a link key, a row for the rest.

`ROWS` is the one table. A row's module is imported when its first event or call comes, because a
function uses two or three of them and pays for every import.
"""

from lumitrace.capture.services._rows import ROWS, Row

__all__ = ["BY_CLIENT", "BY_EVENT_SOURCE", "BY_NAME", "OTHER", "ROWS", "Row"]

BY_NAME = {row.name: row for row in ROWS}
BY_CLIENT = {row.client: row for row in ROWS if row.client is not None}
BY_EVENT_SOURCE = {source: row for row in ROWS for source in row.event_sources}
OTHER = BY_NAME["other"]
