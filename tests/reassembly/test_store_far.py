"""What is far apart is one out of a store too, as it is out of the files."""

import itertools

import pytest

from lumitrace.reassembly.store import derive, far
from lumitrace.reassembly.store.folder import Folder

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
TAGS = {"saleId": "sale-far", "total": 42.5, "customerId": "c001"}


def till(night, ms, *, message="msg-far"):
    """Write the sale; what it published is answered with."""
    run = night.begin("ushop_till", ms, trigger="api-gateway-rest", route="POST /sales")
    publish = night.span()
    call = [publish, "sns.Publish", "ushop_new-sales", 4000, 3000, 200, [f"sns:{message}"]]
    night.end(run, ms + 9, began=ms, lasted=8, calls=[call], tags=TAGS)
    return run, publish, message


def delayed(night, sent, ms, how, *, bad=False):
    """Write what takes the message so much later, by the context in it, or by its id alone."""
    run, publish, message = sent
    begun = {
        "context": {"trace": run.trace, "parentSpanId": publish},
        "link": {"links": [[run.trace, publish]]},
        "key": {"linkIn": [f"sns:{message}"]},
    }[how]
    parent = {"parentSpanId": publish} if how == "context" else {}
    late = night.begin("ushop_late", ms, trigger="sns", source="ushop_new-sales", **begun)
    error = {"error": {"type": "ValueError", "message": "card refused"}} if bad else {}
    onward = night.span()
    call = [onward, "sns.Publish", "ushop_done", 1000, 2000, 200, [f"sns:{message}-on"]]
    night.end(late, ms + 8, began=ms, lasted=7, calls=[call], **parent, **error)
    return late, onward, f"{message}-on"


def parts(night, tmp_path):
    """Return the night as one file, and as a file for each hour."""
    paths, whole = [], night.write(tmp_path / "whole.jsonl")
    events = sorted(night.events, key=lambda event: event["timestamp"])
    for hour, own in itertools.groupby(events, lambda event: event["timestamp"] // HOUR_MS):
        night.events = list(own)
        paths.append(night.write(tmp_path / f"{hour}.jsonl"))
    return whole, paths


@pytest.fixture
def same(answer, tmp_path, monkeypatch):
    """Compare every answer about ids of the store with those of the file."""
    monkeypatch.setattr(derive, "BLOCK", 1)  # each hour by itself

    def run(whole, orders, ids):
        for number, order in enumerate(orders):
            store = ("--store", tmp_path / f"store-{number}")
            for path in order:
                code, said = answer("fetch", *store, "--keep", "forever", path)
                assert code == 0, said
            for asked in (("why",), ("transactions",), *(("show", one) for one in ids)):
                assert answer(*asked, *store) == answer(*asked, whole), (asked, number)
        return ("--store", tmp_path / "store-0")

    return run


@pytest.mark.parametrize("how", ["context", "link", "key"])
def test_what_is_taken_hours_later_is_one_with_its_sale(night, tmp_path, same, answer, how):
    """In one fetch, and the later hour first: the sale is one that failed, not two."""
    sent = till(night, 0)
    late = delayed(night, sent, 3 * HOUR_MS + MINUTE_MS, how, bad=True)
    other = till(night, 3 * HOUR_MS, message="msg-other")
    whole, paths = parts(night, tmp_path)
    ids = [one.request for one, *_ in (sent, late, other)]

    store = same(whole, ([whole], paths[::-1]), ids)

    said = answer("show", late[0].request, *store)[1]["transaction"]
    assert (said["id"], said["state"]) == (sent[0].trace, "pending")
    assert len(answer("transactions", *store)[1]["transactions"]) == 2


def test_a_chain_over_three_hours_is_one(night, tmp_path, same, answer):
    """Each step an hour and a half behind the one before."""
    sent = till(night, 0)
    second = delayed(night, sent, HOUR_MS + 30 * MINUTE_MS, "key")
    third = delayed(night, second, 3 * HOUR_MS, "key", bad=True)
    whole, paths = parts(night, tmp_path)
    ids = [one.request for one, *_ in (sent, second, third)]

    store = same(whole, (paths, [paths[1], paths[2], paths[0]]), ids)

    assert [one["state"] for one in answer("transactions", *store)[1]["transactions"]] == [
        "pending"
    ]


def test_a_batch_that_is_fed_from_near_and_far_is_shared(night, tmp_path, same):
    """Two sales of the first hour and one of the fourth are taken at once: one of three each."""
    first, second = till(night, 0, message="m1"), till(night, 1000, message="m2")
    third = till(night, 3 * HOUR_MS, message="m3")
    keys = [f"sns:m{number}" for number in (1, 2, 3)]
    batch = night.begin("ushop_batch", 3 * HOUR_MS + MINUTE_MS, trigger="sqs", linkIn=keys)
    error = {"type": "ValueError", "message": "no room"}
    ended = 3 * HOUR_MS + MINUTE_MS
    night.end(batch, ended + 8, began=ended, lasted=7, error=error)
    whole, paths = parts(night, tmp_path)

    same(whole, (paths,), [first[0].request, second[0].request, third[0].request, batch.request])


def test_a_change_that_a_stream_tells_of_hours_later_finds_its_writer(
    night, tmp_path, same, answer
):
    """By the fingerprint of what was written, at the second at which it was."""
    run = night.begin("ushop_till", 0, trigger="api-gateway-rest", route="POST /sales")
    put = [
        night.span(),
        "dynamodb.PutItem",
        "ushop_sales",
        100,
        200,
        200,
        ["dynamodb:i" + "7" * 15],
    ]
    night.end(run, 9, began=0, lasted=8, calls=[put], tags=TAGS)
    second = night.us(0) // 1_000_000
    change = f"dynamodb:{second}:{'i' + '7' * 15}:e00001"
    late = night.begin("ushop_stream", 2 * HOUR_MS, trigger="dynamodb", linkIn=[change])
    night.end(late, 2 * HOUR_MS + 8, began=2 * HOUR_MS, lasted=7)
    whole, paths = parts(night, tmp_path)

    store = same(whole, (paths,), [run.request, late.request])

    assert len(answer("transactions", *store)[1]["transactions"]) == 1


def test_what_was_one_parts_when_the_other_hour_is_gone(night, tmp_path, same, answer):
    """The sale is forgotten: what took its message stands by itself again."""
    sent = till(night, 0)
    late = delayed(night, sent, 3 * HOUR_MS, "key")
    whole, _ = parts(night, tmp_path)
    store = same(whole, ([whole],), [late[0].request])
    folder = Folder.opened(str(store[1]))
    folder.remove(folder.numbers()[0])
    night.events = []
    till(night, 9 * HOUR_MS, message="msg-other")

    answer("fetch", *store, night.write(tmp_path / "more.jsonl"))

    said = answer("show", late[0].request, *store)[1]["transaction"]
    assert (said["id"], said["state"]) == (late[0].trace, "ok")


def test_what_is_far_is_forgotten_with_its_sale(night, tmp_path, same, answer):
    """The customer stands in the sale alone; what took its message hours later goes too."""
    sent = till(night, 0)
    late = delayed(night, sent, 3 * HOUR_MS, "key")
    till(night, 3 * HOUR_MS, message="msg-other")
    night.events[-3]["message"] = night.events[-3]["message"].replace("c001", "c002")
    whole, _ = parts(night, tmp_path)
    store = same(whole, ([whole],), [late[0].request])

    said = answer("store", "forget", "--where", "customerId=c001", *store)[1]

    assert said["transactions"] == 1
    assert answer("show", late[0].request, *store)[0] == 1
    assert len(answer("transactions", *store)[1]["transactions"]) == 1


def test_a_kill_between_two_hours_that_are_one_loses_no_line(
    night, tmp_path, same, answer, monkeypatch
):
    """The sale's hour knows of the later one, which does not know yet: show has every line."""
    sent = till(night, 0)
    late = delayed(night, sent, 3 * HOUR_MS, "key", bad=True)
    whole, paths = parts(night, tmp_path)
    every = far.Far.changed
    monkeypatch.setattr(far.Far, "changed", lambda self: every(self)[:1])
    monkeypatch.setattr(derive, "ROUNDS", 1)
    store = ("--store", tmp_path / "store")
    for path in paths:
        answer("fetch", *store, "--keep", "forever", path)
    killed = answer("show", sent[0].trace, *store)
    monkeypatch.undo()

    answer("fetch", *store, paths[0])

    assert killed == answer("show", sent[0].trace, whole)
    same(whole, ([whole],), [late[0].request])
    assert answer("transactions", *store) == answer("transactions", whole)


def test_a_name_of_very_many_tells_nothing(night, tmp_path, answer, monkeypatch):
    """Three hours begin under one trace id, where two are believed: each stays by itself."""
    monkeypatch.setattr(far, "PARTNERS", 2)
    monkeypatch.setattr(derive, "BLOCK", 1)
    for number in range(3):
        ms = number * HOUR_MS
        run = night.begin("ushop_job", ms, trigger="other", trace="f" * 32, parentSpanId="e" * 16)
        night.end(run, ms + 8, began=ms, lasted=7, parentSpanId="e" * 16)
    store = ("--store", tmp_path / "store")

    answer("fetch", *store, "--keep", "forever", night.write(tmp_path / "night.jsonl"))

    assert len(answer("transactions", *store)[1]["transactions"]) == 3
