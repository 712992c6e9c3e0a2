"""What a record of a table's stream says of the write behind it.

A mark in an item says who wrote it last. Whether that write is the one that this record tells of
is another question: items expire, are replicated, copied and restored, and a writer without
lumitrace leaves the mark of the last one in place. What is not proved is a relation at most.
Record: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from lumitrace.capture.config import settings
from lumitrace.capture.services._call import name_of
from lumitrace.capture.services._service import Record, first_records
from lumitrace.wire.link_key import DYNAMODB, link_key
from lumitrace.wire.mark import ATTRIBUTE, is_mark, mark_ms, parse_mark, table_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_RECORDS = 10_000  # the largest batch
FRESH_MS = 3_000  # the stream's clock has seconds, two machines differ
RETRIED_MS = 120_000  # the longest that a request of the SDK's is on its way with its retries
TTL, REPLICA, COPY = "ttl", "replica", "copy"

# Where an item with another region's mark may have been replicated from.
# https://docs.aws.amazon.com/general/latest/gr/ddb.html
REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1"),
    *("mx-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"),
    *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "il-central-1", "me-south-1"),
    *("me-central-1", "af-south-1", "ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
    *("us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"),
)


def read(record: "dict[str, Any]") -> Record:
    """Return the writer of one stream *record* where it is proved, else whom it relates to.

    Also of a change that comes through Kinesis, which names its table by ``tableName``.
    """
    change = record.get("dynamodb")
    identifier = record.get("eventID")
    if not isinstance(change, dict):
        return Record(None, None, identifier)
    region, table = _place(record)
    new, old = mark_of(change.get("NewImage")), mark_of(change.get("OldImage"))
    writer = parse_mark(new)
    written = writer is not None and new != old and record.get("eventName") != "REMOVE"
    origin = _origin(record, change, region)
    if written and writer is not None and not origin:
        last = writer.tables[-1] if writer.tables else ""
        if last == table_hash(region, table):
            if _is_proved(new, old, change):
                return Record(writer, None, identifier)
        else:
            origin = REPLICA if _is_of_another_region(last, table) else COPY
    writer = writer or parse_mark(old)
    found = Record(None, None, identifier, last_writer=writer, origin=origin)
    if settings.fingerprint_key and origin not in (TTL, REPLICA):
        found.link_key = _key(record, change, region, table)
    return found


def _place(record: "dict[str, Any]") -> tuple[str, str]:
    """Return the region and the table."""
    region, arn, table = (record.get(n) for n in ("awsRegion", "eventSourceARN", "tableName"))
    if isinstance(arn, str) and arn.startswith("arn:") and arn.count(":") > 4:
        return arn.split(":", 4)[3], name_of(arn)
    return region if isinstance(region, str) else "", table if isinstance(table, str) else ""


def mark_of(image: object) -> "Any":
    """Return the text of the mark in *image*, or None."""
    value = image.get(ATTRIBUTE) if isinstance(image, dict) else None
    return value.get("S") if isinstance(value, dict) else value


def _origin(record: "dict[str, Any]", change: "dict[str, Any]", region: str) -> str:
    """Return what changed the item, where DynamoDB itself says that it was no call; else "".

    TTL: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    Global tables of 2017 write into the item where and when it was written:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables.V1.html
    """
    who = record.get("userIdentity")
    if isinstance(who, dict):
        principal = who.get("principalId") or who.get("PrincipalId")
        if principal == "dynamodb.amazonaws.com":
            return TTL
    new, old = change.get("NewImage"), change.get("OldImage")
    if not isinstance(new, dict) or "aws:rep:updateregion" not in new:
        return ""
    old = old if isinstance(old, dict) else {}
    when = "aws:rep:updatetime"  # a local update leaves it as it was, until it is replicated
    told = new["aws:rep:updateregion"]
    here = isinstance(told, dict) and told.get("S") == region
    return "" if here or (when in old and old[when] == new.get(when)) else REPLICA


def _is_of_another_region(last: str, table: str) -> bool:
    """Tell whether *last* stands for a table of this name elsewhere: global tables of 2019."""
    return any(table_hash(region, table) == last for region in REGIONS)


def _is_proved(new: "Any", old: "Any", change: "dict[str, Any]") -> bool:
    """Tell whether the mark *new*, which is not *old*, was written by this very change.

    One that is older than what it replaces, or than any request may be on its way, was copied.
    Without an old image only the clock can tell.
    """
    written, created = mark_ms(new), _created_ms(change)
    if "OldImage" not in change:
        return created > 0 and abs(created - written) < FRESH_MS
    if parse_mark(old) is not None and written < mark_ms(old) - FRESH_MS:
        return False
    return not created or abs(created - written) < RETRIED_MS


def _created_ms(change: "dict[str, Any]") -> int:
    """Return when the change was made: seconds in a stream, milli- or microseconds in Kinesis."""
    created = change.get("ApproximateCreationDateTime")
    if not isinstance(created, int | float) or not 0 < created < 1e17:
        return 0
    if created > 1e14:
        return int(created) // 1000
    return int(created) if created > 1e11 else int(created * 1000)


def _key(record: "dict[str, Any]", change: "dict[str, Any]", region: str, table: str) -> str | None:
    from lumitrace.capture.services import _fingerprint  # noqa: PLC0415  # only with a secret

    found = _fingerprint.of_change(change, record.get("eventName"), region, table)
    second, identifier = _created_ms(change) // 1000, str(record.get("eventID"))
    if not found or not second:
        return None
    own = _fingerprint.short(identifier)  # two changes of one key in one second are two
    return link_key(DYNAMODB, f"{second}:{'.'.join(found)}:{own}")


def clean_event(event: "Any") -> "dict[str, tuple[dict[str, Any], Any, Any]]":
    """Take our mark off every image of a stream *event*: the handler sees what the writer wrote.

    Every record must be gone through. Returns by its id each that had one, with the marks of the
    new and the old image: they are read when somebody asks for the record (`read_cut`).
    """
    taken = {}
    for record in first_records(event, MAX_RECORDS)[0]:
        change = record.get("dynamodb")
        if not isinstance(change, dict):
            continue
        new, old = _cut(change.get("NewImage")), _cut(change.get("OldImage"))
        if new is not None or old is not None:
            identifier = record.get("eventID")
            if isinstance(identifier, str):
                taken[identifier] = record, new, old
    return taken


def _cut(image: "Any") -> "Any":
    """Take our mark off *image*, in place, and return the attribute, None where it has none."""
    if isinstance(image, dict) and ATTRIBUTE in image:
        text = mark_of(image)
        return image.pop(ATTRIBUTE) if isinstance(text, str) and is_mark(text) else None
    return None


def read_cut(record: "dict[str, Any]", new: "Any", old: "Any") -> Record:
    """Return what *record* says with its marks, *new* and *old*, put back."""
    change = record.get("dynamodb")
    change = dict(change) if isinstance(change, dict) else {}
    for name, mark in (("NewImage", new), ("OldImage", old)):
        image = change.get(name)
        if mark is not None and isinstance(image, dict):
            change[name] = {**image, ATTRIBUTE: mark}
    return read({**record, "dynamodb": change})
