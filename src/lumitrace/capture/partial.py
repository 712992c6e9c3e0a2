"""What a handler's result says of single records: ``batchItemFailures``, a transformation's.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from lumitrace.capture.batch import Batch, batch_of
from lumitrace.capture.record import raw_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import Invocation

# How batchItemFailures names a record of a stream: (part of the record, key in it).
SEQUENCES = (("kinesis", "sequenceNumber"), ("dynamodb", "SequenceNumber"))


def read(invocation: "Invocation", event: object, result: "dict[str, Any]") -> None:
    """Note the records that *result* gives back; what is malformed otherwise says nothing.

    An identifier that is empty, null or missing gives back the whole batch.
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
    """
    failures = result.get("batchItemFailures")
    if isinstance(failures, list):
        items = [one.get("itemIdentifier") for one in failures if isinstance(one, dict)]
        is_whole = any(item is None or (type(item) is str and not item) for item in items)
        wanted = None if is_whole else {_name(item) for item in items} - {None}
        _note(batch_of(invocation), event, wanted)
    answers = result.get("records")
    if invocation.source[0] == "firehose" and isinstance(answers, list):
        for one in answers:
            if isinstance(one, dict) and one.get("result") == "ProcessingFailed":
                identifier = one.get("recordId")
                batch_of(invocation).note_failed(identifier if type(identifier) is str else "")


def _name(item: object) -> "object | None":
    """Return how *item* is compared: a text, or Kafka's topic with partition and offset.

    AWS calls the first of these ``topic-partition``, Powertools ``partition``.
    """
    if isinstance(item, str):
        return item or None
    if isinstance(item, dict):
        partition, offset = item.get("topic-partition", item.get("partition")), item.get("offset")
        known = isinstance(partition, str) and isinstance(offset, int)
        return (partition, offset) if known else None
    return None


def _note(batch: Batch, event: object, wanted: "set[object] | None") -> None:
    """Note the records that are *wanted*, all where it is None."""
    for record in raw_records(event) if wanted is None or wanted else ():
        if isinstance(record, dict) and (wanted is None or _names(record) & wanted):
            batch.note_failed(batch.look(record)[1].identifier)


def _names(record: "dict[str, Any]") -> "set[object]":
    names: set[object] = {_name(record.get("messageId"))}
    for part, key in SEQUENCES:
        inner = record.get(part)
        if isinstance(inner, dict):
            names.add(_name(inner.get(key)))
    if "topic" in record:
        partition = f"{record.get('topic')}-{record.get('partition')}"
        names.add(_name({"partition": partition, "offset": record.get("offset")}))
    return names - {None}
