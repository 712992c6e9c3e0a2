"""LUMITRACE_PAYLOADS: event, result and parameters, with their secrets masked."""

import base64
import collections
import contextlib
import datetime as dt
import decimal
import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.picture import picture
from lumitrace.wire import span_line

CANARY = "canary7f3a"
SECRET = {"password": CANARY}
TEXT = json.dumps(SECRET)


@pytest.fixture
def keep(monkeypatch):
    """Return what switches the setting on."""

    def keep(what, size=4096):
        monkeypatch.setattr(settings, "payloads", what)
        monkeypatch.setattr(settings, "max_payload", size)

    return keep


def fields(captured, name):
    """Return every value of the field *name*, of lines and of entries, read as JSON."""
    lines = captured.lines
    rare = [entry[7] for line in lines for entry in line.get("calls", ()) if len(entry) > 7]
    return [json.loads(one[name]) for one in [*lines, *rare] if name in one]


def play(context, work, event=None, answer=None):
    """Run *work* inside an invocation and answer; what it raises is its own."""

    def handler(event, context):
        work()
        return answer

    with contextlib.suppress(Exception):
        traced(handler)(event, context)


# Each has a secret somewhere: what peers were measured to leak, and then some.
HIDDEN = {
    "member": SECRET,
    "list": [{"a": [SECRET]}],
    "JSON": TEXT,
    "JSON behind a space": f"  {TEXT}",
    "JSON list": json.dumps([SECRET]),
    "JSON that is broken": TEXT[:-1] + ",",
    "JSON in JSON in JSON": json.dumps({"Message": json.dumps({"body": TEXT})}),
    "JSON spelt twice": json.dumps(TEXT),
    "body of a queue": {"Records": [{"body": json.dumps({"Message": TEXT})}]},
    "form": f"user=ada&password={CANARY}",
    "form with JSON": f"payload={quote(TEXT)}",
    "form with a name in code": f"user=ada&p%61ssword={CANARY}",
    "query": f"https://shop.example/a?x=1&X-Amz-Signature={CANARY}&y=2",
    "query in code": f"see https://shop.example/a?x={quote(TEXT)}",
    "user in a URL": f"postgres://ada:{CANARY}@db/sales",
    "token": {"access_token": CANARY, "apiKey": CANARY, "cookie": CANARY, "secret": CANARY},
    "headers": {"headers": {"X-API-Key": CANARY, "Set-Cookie": [CANARY]}},
    "header pairs": [["Authorization", f"Bearer {CANARY}"], ("Cookie", CANARY)],
    "header pairs in bytes": [(b"authorization", CANARY.encode())],
    "flat headers": ["Host", "a", "Authorization", CANARY],
    "name and value": [{"name": "DB_PASSWORD", "value": CANARY}],
    "key and value": {"Key": "client-secret", "Value": {"S": CANARY}},
    "bytes": TEXT.encode(),
    "Base64": base64.b64encode(TEXT.encode()).decode(),
    "Base64 with lines": base64.b64encode(json.dumps(SECRET, indent=1).encode()).decode(),
    "Base64 for URLs": base64.urlsafe_b64encode(f'{{"password":"??>{CANARY}"}}'.encode()).decode(),
    "item": {"Item": {"password": {"S": CANARY}, "m": {"M": {"token": {"S": CANARY}}}}},
    "expression": {
        "UpdateExpression": "SET #p = :v",
        "ExpressionAttributeNames": {"#p": "password"},
        "ExpressionAttributeValues": {":v": {"S": CANARY}},
    },
    "statement": {"Statement": "UPDATE t SET password=?", "Parameters": [{"S": CANARY}]},
    "error": {"errorMessage": f"login failed, password='{CANARY} {CANARY}'"},
    "authorization": {"text": f"Authorization: Basic {CANARY}"},
    "long text": {"a": "x " * 3000 + f"password={CANARY}", "b": f"token: {CANARY}"},
    "key": {"AKIA" + CANARY.upper() * 2: 1, "eyJ" + CANARY: 2},
    "private key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
    "nested too deep": {"a": json.loads("[" * 30 + TEXT + "]" * 30)},
}


@pytest.mark.parametrize("value", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("size", [128, 300, 4096])
def test_a_secret_is_in_no_picture(value, size):
    """Wherever it stands, and wherever the picture is cut."""
    text = picture(value, size)

    assert CANARY not in text.lower()
    assert len(text) <= size
    json.loads(text)


def test_what_is_no_secret_stays():
    """Monkeys, keyboards and passengers are shown."""
    event = {"monkey": "a", "keyboard": "b", "passenger": "c", "n": 1, "f": 0.5, "x": None}

    assert json.loads(picture({"body": json.dumps(event), "q": "a=1&b=2"}, 4096)) == {
        "body": event,
        "q": {"a": "1", "b": "2"},
    }


@pytest.mark.parametrize("cut", range(60, 400, 7))
def test_a_secret_at_the_cut(cut):
    """Masked before it is cut: no half of one is left, wherever the end falls."""
    text = picture("x " * 20 + f"password={CANARY} AKIA{'Q' * 16} " * 4, cut)

    assert "canary" not in text
    assert "AKIAQ" not in text


def test_what_matters_survives_the_cut():
    """The body before the headers, each record a part, and how much is missing."""
    body = {"saleId": "628d8a", "text": "xxx " * 1250}
    event = {"requestContext": {"a": "y" * 5000}, "headers": {"h": "z" * 900}, "body": body}
    batch = {"Records": [{"messageId": str(n), "body": f"sale {n} " * 90} for n in range(10)]}

    seen = json.loads(picture(event, 1000))
    records = json.loads(picture(batch, 4096))["Records"]

    assert list(seen) == ["body", "headers", "requestContext"]
    assert seen["body"]["saleId"] == "628d8a"
    assert seen["body"]["text"].startswith("xxx")
    assert seen["body"]["text"].endswith(" more")
    assert [one["messageId"] for one in records] == [str(n) for n in range(10)]


class Touchy(dict):
    """A dictionary that must not be touched."""

    def _no(self, *_):
        raise AssertionError

    __getitem__ = __iter__ = __len__ = __repr__ = __str__ = __hash__ = __eq__ = __bool__ = _no
    items = keys = values = get = __deepcopy__ = __reduce_ex__ = _no


class Meta(type):
    """A class of classes that tells no names."""

    @property
    def __name__(cls):
        raise AssertionError


class Named(metaclass=Meta):
    """Its name must not be asked for."""

    __slots__ = ()


class Text(str):
    """A text that must not be touched."""

    __slots__ = ()
    __str__ = __len__ = __getitem__ = Touchy._no


def test_no_code_of_the_users_runs():
    """Of classes that are not Python's own only the name is told."""
    cycle = []
    cycle.append(cycle)
    value = [Touchy(a=1), Named(), Text("x"), (n for n in "ab"), {Named: 1}, open, cycle]

    told = json.loads(picture(value, 4096))

    assert told[:4] == ["<Touchy>", "<Named>", "<Text>", "<generator>"]
    assert list(value[3]) == ["a", "b"]


def test_values_of_every_kind():
    """Numbers that JSON has not, sets, dates, bytes that are no text."""
    odd = [float("nan"), float("-inf"), 10**5000, decimal.Decimal("1.50"), {7}, b"\xff\xfe\x00"]
    odd += [
        dt.date(2026, 11, 22),
        collections.OrderedDict(a=1),
        "\ud83d",
        4111111111111111,
    ]

    assert json.loads(picture(odd, 4096)) == [
        *("nan", "-inf", "int", "1.50", [7], "<3 bytes>"),
        *("2026-11-22", {"a": 1}, "\ud83d", "****"),
    ]


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.integers(64, 600),
)
def test_any_value_has_a_picture(value, size):
    """Never larger than it may be, always JSON, in ASCII."""
    before = repr(value)

    text = picture(value, size)

    json.loads(text)
    assert len(text) <= size
    assert text.isascii()
    assert repr(value) == before


def test_what_is_deep_or_wide_is_looked_at_in_part():
    """At most 16 levels and 1,000 values, whatever room there is."""
    deep = ["at the bottom"]
    for _ in range(40):
        deep = [deep]
    wide = [[1] * 60 for _ in range(60)]

    assert picture(deep, 1 << 16).count("[") == 17
    assert picture(wide, 1 << 16).count("1") < 1000


def test_a_hostile_value_is_looked_at_in_part():
    """Work is bounded by what is kept and what is parsed, not by what came."""
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    deep = "[" * 100_000 + "]" * 100_000
    value = {"a": [{"b": "password=" * 500_000}] * 100_000, "c": deep, "d": "eyJ" * 2_000_000}
    sys.setprofile(count)
    try:
        picture(value, 12_288)
    finally:
        sys.setprofile(None)

    assert calls < 100_000


def test_by_default_nothing_is_kept(captured, context, aws):
    """No event, no result, no parameters, and the module is not asked."""
    table = aws.client("dynamodb")
    aws.answers = [aws.refuse("ValidationException", "no")]

    play(
        context, lambda: table.put_item(TableName="t", Item={"id": {"S": "7"}}), {"a": 1}, {"b": 2}
    )

    assert all(name not in line for line in captured.lines for name in span_line.PAYLOADS)


def test_all_keeps_everything(captured, context, aws, keep):
    """The event on the first line, parameters on the entry, the result on the last."""
    keep("all")
    table = aws.client("dynamodb")
    item = {"id": {"S": "7"}, "token": {"S": CANARY}}

    play(context, lambda: table.put_item(TableName="t", Item=item), {"a": 1}, {"b": 2})

    assert json.loads(captured.one("start")["event"]) == {"a": 1}
    assert json.loads(captured.one("invocation")["result"]) == {"b": 2}
    masked = {"id": {"S": "7"}, "token": "****"}
    assert fields(captured, "params") == [{"Item": masked, "TableName": "t"}]
    assert "_lumitrace" in aws.sent[0]["Item"]


def test_errors_keeps_what_failed(captured, context, aws, keep):
    """A call that failed, with its answer; not the one that did well, nor the event."""
    keep("errors")
    table = aws.client("dynamodb", retries={"total_max_attempts": 1})

    def work():
        table.get_item(TableName="t", Key={"id": {"S": "7"}})
        aws.answers = [aws.refuse("ThrottlingException", f"password={CANARY}")]
        with contextlib.suppress(Exception):
            table.get_item(TableName="t", Key={"id": {"S": "8"}})

    play(context, work, {"a": 1}, {"b": 2})

    assert fields(captured, "params") == [{"TableName": "t", "Key": {"id": {"S": "8"}}}]
    [answer] = fields(captured, "answer")
    assert answer["Error"]["Code"] == "ThrottlingException"
    assert fields(captured, "event") == fields(captured, "result") == []
    assert CANARY not in "".join(captured.text)


def test_an_invocation_that_failed_tells_its_event_as_it_came(captured, context, keep):
    """The handler may change it: what is told is what was there before."""
    keep("errors")

    def handler(event, context):
        event.clear()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # it has no text
        traced(handler)({"sale": {"id": 7}}, context)

    assert json.loads(captured.one("invocation")["event"]) == {"sale": {"id": 7}}
    assert "event" not in captured.one("start")


def test_a_batch_of_which_a_part_failed_tells_its_event(captured, context, keep, event):
    """What ``batchItemFailures`` gives back has failed."""
    keep("errors")
    batch = event("sqs")
    failed = {"itemIdentifier": batch["Records"][0]["messageId"]}

    traced(lambda event, context: {"batchItemFailures": [failed]})(batch, context)

    assert len(fields(captured, "event")) == len(fields(captured, "result")) == 1


SECRET_CALLS = [
    ("secretsmanager", "get_secret_value", {"SecretId": CANARY}),
    ("secretsmanager", "put_secret_value", {"SecretId": "s", "SecretString": CANARY}),
    ("ssm", "put_parameter", {"Name": "n", "Value": CANARY}),
    ("kms", "encrypt", {"KeyId": "k", "Plaintext": CANARY.encode()}),
    ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::123456789012:role/{CANARY}",
                            "RoleSessionName": CANARY}),
    ("cognito-idp", "sign_up", {"ClientId": "c" * 9, "Username": CANARY, "Password": CANARY}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "params"), SECRET_CALLS)
def test_services_of_secrets_are_never_kept(
    service, operation, params, captured, context, aws, keep
):
    """Neither parameters nor answers, whether they fail or not."""
    keep("all")
    client = aws.client(service, retries={"total_max_attempts": 1})

    def work():
        for answer in ([], [aws.refuse("AccessDeniedException", "no")]):
            aws.answers = answer
            with contextlib.suppress(Exception):
                getattr(client, operation)(**params)

    play(context, work)

    assert aws.sent
    assert fields(captured, "params") == fields(captured, "answer") == []


def test_events_of_cognito_are_never_kept(captured, context, keep, event):
    """They hold what people log in with."""
    keep("all")

    play(context, lambda: None, event("cognito"), {"response": {}})

    assert fields(captured, "event") == fields(captured, "result") == []


@pytest.mark.parametrize("what", ["\\", '"', "ERROR ", "é", "\x00"])
def test_no_line_is_too_long(what, captured, context, aws, keep):
    """32 KiB at most, whatever stands in it; beyond four, in a line of its own."""
    keep("all", 12_288)
    table = aws.client("dynamodb", retries={"total_max_attempts": 1})
    text = what * 40_000
    item = {"id": {"S": text}}

    def work():
        table.put_item(TableName="t", Item=item)
        aws.answers = [aws.refuse("ThrottlingException", text)]
        with contextlib.suppress(Exception):
            table.put_item(TableName="t", Item=item)

    play(context, work, {"a": text}, {"b": text})

    assert max(map(len, captured.text)) <= span_line.MAX_BYTES
    assert [len(fields(captured, name)) for name in span_line.PAYLOADS] == [1, 1, 2, 1]
    assert "ERROR" not in "".join(captured.text)


def test_parameters_have_a_budget(captured, context, aws, keep, monkeypatch):
    """An invocation keeps so much and counts the rest; the calls themselves are told."""
    keep("all")
    monkeypatch.setattr(settings, "max_bytes", 20_000)
    table = aws.client("dynamodb")
    item = {"id": {"S": "7"}, "text": {"S": "xxx " * 1250}}

    play(context, lambda: [table.put_item(TableName="t", Item=item) for _ in range(9)])

    assert len(fields(captured, "params")) == 3
    assert captured.one("invocation")["dropped"] == {"payloads": 6}
    assert sum(len(line.get("calls", ())) for line in captured.lines) == 9


def test_lines_that_go_on_say_when_the_invocation_began(captured, context, aws):
    """The times of entries count from there, in every line."""
    table = aws.client("dynamodb")

    play(context, lambda: [table.get_item(TableName="\u00e9" * 90, Key={}) for _ in range(20)])

    told = [line for line in captured.lines if "calls" in line]
    assert len(told) > 1
    assert len({line["startUs"] for line in told}) == 1


UNLOADED = """
import sys
from types import SimpleNamespace
from lumitrace import testing, traced
with testing.capture():
    traced(lambda event, context: 1)({}, SimpleNamespace(aws_request_id="1"))
print([name for name in sys.modules if name.rpartition(".")[2] in sys.argv[1:]])
"""


def test_what_is_off_is_not_loaded():
    """A function that keeps nothing, and where nothing fails, pays for none of it."""
    rooms = ["payload", "picture", "picture_text", "mask", "secret"]

    answer = subprocess.run(
        [sys.executable, "-c", UNLOADED, *rooms],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert answer.stdout == "[]\n"
