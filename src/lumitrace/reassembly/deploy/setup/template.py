"""The template: the parts that were asked for, in one."""

from dataclasses import dataclass

from lumitrace.reassembly.deploy.setup.alarm import alarm
from lumitrace.reassembly.deploy.setup.archive import archive
from lumitrace.reassembly.deploy.setup.part import ALARM, ARCHIVE, PARTS, READER, Json
from lumitrace.reassembly.deploy.setup.reader import reader


@dataclass(frozen=True)
class Wanted:
    """What an account is to have.

    Attributes:
        parts: which of `PARTS`.
        groups: names of log groups, without a ``*``; none for all of them.
        bucket: the name of the bucket; made by CloudFormation where it is empty.
        tables: the DynamoDB tables whose items may be read.
        topic: the ARN of the SNS topic that an alarm tells.
    """

    parts: tuple[str, ...] = PARTS
    groups: tuple[str, ...] = ()
    bucket: str = ""
    tables: tuple[str, ...] = ()
    topic: str = ""


def template(wanted: Wanted) -> tuple[Json, list[str]]:
    """Return the template of what is *wanted*, and what it leaves out, in sentences."""
    whole: Json = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"lumitrace setup: {', '.join(wanted.parts)}",
    }
    notes = []
    archived = ARCHIVE in wanted.parts
    made = {
        ARCHIVE: lambda: archive(wanted.groups, wanted.bucket),
        READER: lambda: reader(wanted.groups, wanted.bucket, wanted.tables, archived=archived),
        ALARM: lambda: alarm(wanted.groups, wanted.topic),
    }
    for name in wanted.parts:
        part = made[name]()
        for section, content in (
            ("Parameters", part.parameters),
            ("Resources", part.resources),
            ("Outputs", part.outputs),
        ):
            if content:
                whole[section] = {**whole.get(section, {}), **content}
        notes += part.notes
    return whole, notes
