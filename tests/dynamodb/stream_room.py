"""Writers, a table of moto's with its stream, and the function that the stream calls."""

import base64
import json
from decimal import Context, Decimal
from types import SimpleNamespace

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.services import _dynamodb_repeats, _fingerprint

REGION, TABLE = "eu-west-1", "ushop_sales"
SECRET = b"correct horse battery"
MODES = {  # the columns of the table in docs/dynamodb.md
    "`inject`": ("inject", ()),
    "`inject` and a secret": ("inject", (SECRET,)),
    "`link` and a secret": ("link", (SECRET,)),
}
DIGITS = Context(prec=38)


class Room:
    """One write and what its stream made of it.

    Attributes:
        old: how many of the first records are of an hour before.
        untold: writers whose own records are not told.
        wanted: of each record that counts, the writer's request id; "" where nobody of ours is.
    """

    def __init__(self, captured, monkeypatch, boto3):
        self.captured, self._patch = captured, monkeypatch
        self._clients, self._requests, self._arns = {}, [], {}
        self._session = boto3.Session("AKIDEXAMPLE", "none", region_name=REGION)
        self.wanted, self.old, self.untold = [], 0, set()

    def begin(self, mode):
        """Forget the write before this one."""
        self._patch.setattr(settings, "dynamodb", MODES[mode][0])
        self._patch.setattr(settings, "fingerprint_key", MODES[mode][1])
        _fingerprint._key_names.clear()
        _dynamodb_repeats._writes.clear()  # what was played before is no repeated write
        _dynamodb_repeats._begun.clear()
        self.captured.writes.clear()
        self._requests, self._arns, self.wanted, self.old = [], {}, [], 0
        self.untold = set()

    def client(self, service="dynamodb"):
        """Return a client of moto's."""
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service, endpoint_url=ENDPOINTS.get(service)
            )
        return self._clients[service]

    def resource(self):
        """Return boto3's resource of the table."""
        if "resource" not in self._clients:
            self._clients["resource"] = self._session.resource("dynamodb").Table(TABLE)
        return self._clients["resource"]

    def table(self, view="NEW_AND_OLD_IMAGES", name=TABLE):
        """Make a table with a stream, outside every invocation."""
        stream = {"StreamEnabled": True, "StreamViewType": view}
        found = self._plain(
            lambda: self.client().create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "saleId", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "saleId", "KeyType": "HASH"}],
                StreamSpecification=stream,
            )
        )
        self._arns[name] = found["TableDescription"]["LatestStreamArn"]

    def before(self, *items, name=TABLE):
        """Put *items* that were there before; nobody of ours wrote them."""
        for item in items:
            self._plain(lambda item=item: self.client().put_item(TableName=name, Item=item))
            self.wanted.append("")
            self.old += 1

    def write(self, work, *, records=1, told=True):
        """Run *work* in an invocation of a writer, which leads to this many records.

        Those that are not *told* are only the beginning of the story.
        """
        request = f"writer-{len(self._requests)}"
        self._run(lambda event: work(), {}, request, "writer")
        self.wanted += [request] * records
        self.untold |= set() if told else {request}

    def strange(self, work):
        """Run *work* without lumitrace."""
        self._plain(work)
        self.wanted.append("")

    def _plain(self, work):
        enabled, settings.enabled = settings.enabled, "0"
        try:
            return work()
        finally:
            settings.enabled = enabled

    def event(self, name=TABLE):
        """Return what the stream hands over, as Lambda has it."""
        streams, arn = self.client("dynamodbstreams"), self._arns[name]

        def read():
            [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
            at = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            return streams.get_records(ShardIterator=at["ShardIterator"])["Records"]

        found = one_change([as_event(record, arn) for record in self._plain(read)])
        for record in found[: self.old]:
            record["dynamodb"]["ApproximateCreationDateTime"] -= 3600
        return {"Records": found}

    def receive(self, event):
        """Hand *event* to the function that the stream calls, record by record."""

        def handle(event):
            for _ in lumitrace.records(event):
                pass

        self._run(handle, event, "reader", "reader")

    def _run(self, work, event, request, name):
        self._requests.append((request, name))
        context = SimpleNamespace(aws_request_id=request, client_context=None)
        traced(lambda event, context: work(event), name=name)(event, context)

    def outcome(self):
        """Return how each record that one of ours wrote was joined, worst last; "" for not at all.

        A record that leads to anybody else is a false parent, and no outcome at all.
        """
        from lumitrace.reassembly.assemble import assemble

        assembled = assemble(list(self._log()))
        spans = [span for span in assembled.span_by_id.values() if span.role == "record"]
        spans.sort(key=lambda span: span.start_us)
        assert len(spans) == len(self.wanted), f"{len(spans)} records, not {len(self.wanted)}"
        found = []
        for span, wanted in zip(spans, self.wanted, strict=True):
            hops = self._senders(assembled, span)
            assert {request for request, _ in hops} <= {wanted}, "a false parent"
            if wanted and wanted not in self.untold:
                several = assembled.candidates.get(span.span_id, {})
                number = max(map(len, several.values()), default=0)
                found.append(hops[0][1] if hops else f"{number} candidates" if number else "")
        return found

    @staticmethod
    def _senders(assembled, span):
        """Return who leads to *span*, a record; alone it stands below the invocation it started."""
        handler = assembled.attempt_of[span.span_id].invocation
        alone = span.trace_id == handler.trace_id and span.parent_id == handler.span_id
        return [
            (assembled.attempt_of[hop.sender_span].request_id, hop.witness)
            for hop in assembled.hops.get((handler if alone else span).span_id, ())
            if assembled.attempt_of[hop.sender_span].function != "reader"
        ]

    def _log(self):
        from lumitrace.reassembly.events import LogEvent

        order = 0
        for request, name in self._requests:
            told = [text for text in self.captured.text if f'"requestId":"{request}"' in text]
            start, end = f"START RequestId: {request} Version: 1", f"END RequestId: {request}"
            for text in (start, *told, end):
                order += 1
                yield LogEvent(f"/aws/lambda/{name}", request, 1_795_383_700_000, text, order)


ENDPOINTS = {"dynamodbstreams": f"https://streams.dynamodb.{REGION}.amazonaws.com"}


def as_event(record, arn):
    """Return *record* as Lambda hands it over, its values spelt as DynamoDB spells them."""
    change = dict(record["dynamodb"])
    created = change["ApproximateCreationDateTime"].timestamp()
    change["ApproximateCreationDateTime"] = float(int(created))
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: stored(value) for name, value in change[image].items()}
    said = {"eventSource": "aws:dynamodb", "eventSourceARN": arn, "awsRegion": REGION}
    return {**{key: record[key] for key in ("eventID", "eventName")}, **said, "dynamodb": change}


def one_change(records):
    """Return *records*, an update that makes an item as the one INSERT that DynamoDB tells of it.

    Moto inserts the key first, and then the item.
    """
    found = []
    for record in records:
        told = record["eventName"], record["dynamodb"]["Keys"]
        if found and told == ("INSERT", found[-1]["dynamodb"]["Keys"]):
            found.pop()
        found.append(record)
    return found


def stored(value):
    """Return *value* as DynamoDB holds it: trimmed numbers, sets in an order of its own."""
    [(kind, inner)] = value.items()
    if kind == "N":
        return {"N": format(Decimal(inner).normalize(DIGITS), "f")}
    if kind == "B":
        return {"B": base64.b64encode(inner).decode()}
    if kind in {"SS", "NS", "BS"}:
        return {kind: sorted(stored({kind[0]: one})[kind[0]] for one in inner)}
    return value


def through_kinesis(event):
    """Return *event* as Kinesis Data Streams for DynamoDB hands it over."""
    records = []
    for number, record in enumerate(event["Records"]):
        change = record["dynamodb"]
        change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"] * 1000)
        change["ApproximateCreationDateTimePrecision"] = "MILLISECOND"
        said = {key: record[key] for key in ("awsRegion", "eventID", "eventName")}
        said |= {"userIdentity": None, "recordFormat": "application/json", "tableName": TABLE}
        data = json.dumps({**said, "dynamodb": change, "eventSource": "aws:dynamodb"})
        arn = f"arn:aws:kinesis:{REGION}:123456789012:stream/ushop_changes"
        records.append(
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSource": "aws:kinesis",
                "eventSourceARN": arn,
                "kinesis": {"data": base64.b64encode(data.encode()).decode()},
            }
        )
    return {"Records": records}
