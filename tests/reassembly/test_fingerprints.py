"""Stream records joined to their writers by fingerprints, and where none is sure."""

import pytest

CONTENT, KEY, DELETE = "i" + "1" * 15, "k" + "2" * 15, "d" + "3" * 15
SECOND = 1_795_226_400  # the night's first


def writer(night, number, *keys, began=0, lasted=5):
    """Write a function that writes an item; return its run and the call's span id."""
    run = night.begin(f"till-{number}", began, trigger="sqs")
    call = night.span()
    entry = [call, "dynamodb.PutItem", "ushop_sales", 1000, lasted * 1000, 200]
    told = [f"dynamodb:{key}" for key in keys]
    night.end(run, began + 9, began=began, lasted=8, calls=[[*entry, told]])
    return run, call


def reader(night, *keys, second=0, began=900, records=(), event="e00001", **said):
    """Write the function that the stream calls with one change, or several."""
    told = [f"dynamodb:{SECOND + second}:{'.'.join(keys)}:{event}"] if keys else []
    run = night.begin("analytics", began, trigger="dynamodb", linkIn=told, **said)
    entries = [
        [night.span(), night.trace(), "", f"e{number}", 100, 50, *rest]
        for number, rest in enumerate(records)
    ]
    night.end(run, began + 9, began=began, lasted=8, records=entries)
    return run


def shown(answer, run, path):
    """Return what `show` says of the transaction of *run*."""
    return answer("show", run.trace, path)[1]


def functions(found):
    """Return the functions of a transaction and the witness that led to the last."""
    witness = [span["witness"] for span in found["spans"] if span["name"] == "analytics"]
    return found["transaction"]["functions"], *witness


def test_the_content_joins_exactly(night, log_file, answer):
    """Who wrote this very item in this second."""
    till, _ = writer(night, 1, CONTENT, KEY)
    writer(night, 2, "i" + "9" * 15, KEY)
    reader(night, CONTENT, KEY)

    found = shown(answer, till, night.write(log_file))

    assert functions(found) == (["till-1", "analytics"], "fingerprint")
    assert found["candidates"] == []


@pytest.mark.parametrize("key", [KEY, DELETE])
def test_the_key_joins_likely(night, log_file, answer, key):
    """Who wrote or deleted an item of this key in this second, if only one did."""
    till, _ = writer(night, 1, key)
    reader(night, CONTENT, key)

    found = shown(answer, till, night.write(log_file))

    assert functions(found) == (["till-1", "analytics"], "fingerprint of the key (likely)")


@pytest.mark.parametrize(("second", "joined"), [(-3, False), (-2, True), (2, True), (3, False)])
def test_only_writes_of_the_same_seconds_count(night, log_file, answer, second, joined):
    """The same item may be written again tomorrow."""
    till, _ = writer(night, 1, CONTENT)
    reader(night, CONTENT, second=second)

    found = shown(answer, till, night.write(log_file))

    assert ("analytics" in found["transaction"]["functions"]) is joined


def test_several_writers_are_listed_and_none_is_picked(night, log_file, answer, command):
    """Two wrote the same key within a second: either may be the one."""
    calls = [writer(night, number, KEY, began=number * 20)[1] for number in (1, 2)]
    analytics = reader(night, CONTENT, KEY)
    path = night.write(log_file)

    found = shown(answer, analytics, path)

    assert functions(found) == (["analytics"], "")
    [candidate] = found["candidates"]
    assert sorted(one["spanId"] for one in candidate["writers"]) == sorted(calls)
    assert all(one["transactions"] for one in candidate["writers"])
    said = command("show", analytics.trace, path).stdout.decode()
    assert "analytics: one of 2 possible writers: till-1 dynamodb.PutItem ushop_sales (" in said


def test_a_write_that_fits_two_changes_proves_neither(night, log_file, answer, command):
    """A write makes one change: the other is by somebody who writes no lines."""
    till, call = writer(night, 1, KEY)
    analytics = reader(night, CONTENT, KEY)
    reader(night, KEY, event="e00002", began=950)
    path = night.write(log_file)

    assert shown(answer, till, path)["transaction"]["functions"] == ["till-1"]
    [candidate] = shown(answer, analytics, path)["candidates"]
    assert [one["spanId"] for one in candidate["writers"]] == [call]
    said = command("show", analytics.trace, path).stdout.decode()
    assert "a possible writer, which fits another change too: till-1" in said


def test_a_change_that_the_content_fits_takes_the_key_too(night, log_file, answer):
    """What else of that key was changed within a second is somebody else's."""
    till, _ = writer(night, 1, CONTENT, KEY)
    reader(night, CONTENT, KEY)
    reader(night, "i" + "9" * 15, KEY, event="e00002", began=950)

    found = shown(answer, till, night.write(log_file))

    assert functions(found) == (["till-1", "analytics"], "fingerprint")


def test_a_change_of_another_content_is_left_to_its_own_writer(night, log_file, answer):
    """Two writers of one key in one second: one by its content, so the other by the key."""
    writer(night, 1, CONTENT)
    till, _ = writer(night, 2, KEY, began=20)
    reader(night, CONTENT, KEY)
    reader(night, "i" + "9" * 15, KEY, event="e00002", began=950)

    found = shown(answer, till, night.write(log_file))

    assert functions(found) == (["till-2", "analytics"], "fingerprint of the key (likely)")


def test_the_same_record_again_is_the_same_change(night, log_file, answer):
    """A stream delivers at least once, and to two functions."""
    till, _ = writer(night, 1, CONTENT, KEY)
    for began in (900, 1900):
        reader(night, CONTENT, KEY, began=began)

    found = shown(answer, till, night.write(log_file))

    assert functions(found)[1:] == ("fingerprint", "fingerprint")


def test_records_are_joined_one_by_one(night, log_file, answer):
    """Each record of a batch belongs to its own writer; one of nobody's came with its batch."""
    tills = [writer(night, n, f"i{n}" + "0" * 14, began=n * 20)[0] for n in (1, 2)]
    told = [[f"dynamodb:{SECOND}:i{n}" + "0" * 14 + f":e0000{n}"] for n in (1, 2)]
    reader(night, records=[*told, [""]])
    path = night.write(log_file)

    for till in tills:
        found = shown(answer, till, path)
        assert [one["witness"] for one in found["spans"] if one["role"] == "record"] == [
            "fingerprint"
        ]


def test_a_last_writer_is_shown_and_joins_nothing(night, log_file, answer, command):
    """An item that expired: who wrote it did not delete it."""
    till, call = writer(night, 1)
    rare = {"origin": "ttl", "links": [[till.trace, call, "last-writer"]]}
    links = [[till.trace, call, "last-writer"]]
    analytics = reader(
        night, links=links, origins={"ttl": 1}, records=[["", rare]], source="ushop_sales"
    )
    path = night.write(log_file)

    found = shown(answer, analytics, path)

    assert found["transaction"]["functions"] == ["analytics"]
    [relation] = found["relations"]
    assert (relation["relation"], relation["spanId"]) == ("last-writer", call)
    assert relation["transactions"] == [till.trace]
    said = command("show", analytics.trace, path).stdout.decode()
    assert f"analytics: item last written by trace {till.trace}" in said
    assert "expired by TTL" in said


@pytest.mark.parametrize(
    "key", ["dynamodb:", "dynamodb:x:i1", "dynamodb:1:", "dynamodb:99999999999999:i" + "1" * 15]
)
def test_what_is_no_fingerprint_joins_nothing(night, log_file, answer, key):
    """A line may hold anything."""
    run = night.begin("analytics", 900, trigger="dynamodb", linkIn=[key], links=[["x"], 1])
    night.end(run, 909, began=900, lasted=8)

    assert shown(answer, run, night.write(log_file))["transaction"]["functions"] == ["analytics"]
