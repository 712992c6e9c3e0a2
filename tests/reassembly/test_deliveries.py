"""Records of a batch: which failed, which came again, which came back from a dead-letter queue."""

import pytest

ERROR = {"type": "KeyError", "message": "'amount'"}


def by_tag(listed, name):
    """Return the listed transactions by the tag *name*."""
    return {row["tags"].get(name): row for row in listed["transactions"]}


def send(night, number):
    """Write a function that sends one message; return its run and the id of the call."""
    run, sent = (
        night.begin("till", number * 10, trigger="api-gateway-rest", route="POST /x"),
        night.span(),
    )
    entry = [sent, "sqs.SendMessage", "queue", 1000, 1000, 200, [f"sqs:m{number}"]]
    night.end(
        run,
        number * 10 + 4,
        began=number * 10,
        lasted=3,
        calls=[entry],
        tags={"saleId": f"s-{number}"},
    )
    return run, sent


def work(night, ms, sends, *, records=True, name="worker", entries=None, **ended):
    """Write a batch of the messages *sends*, each a record that went well by its own entry."""
    links = [[run.trace, sent] for run, sent in sends.values()]
    run = night.begin(name, ms, trigger="sqs", kind="CONSUMER", links=links, records=len(sends))
    told = [
        [night.span(), sender.trace, sent, f"m{number}", 1000, 500, "", *(entries or ())]
        for number, (sender, sent) in sends.items()
    ]
    night.end(run, ms + 9, began=ms, lasted=8, records=told if records else [], **ended)
    return run


def states(answer, night, log_file):
    """Return the state of each sale, long after the last delivery."""
    later = night.begin("later", 900_000)
    night.end(later, 900_009, began=900_000, lasted=8)
    listed = by_tag(answer("transactions", night.write(log_file))[1], "saleId")
    return {sale: row["state"] for sale, row in listed.items() if sale}


def test_the_handlers_line_has_the_last_word_on_a_record(night, log_file, answer):
    """Its own entry says that it went well; the handler gave it back."""
    sends = {number: send(night, number) for number in range(2)}
    work(night, 100, sends, failedRecords=["m1"])

    assert states(answer, night, log_file) == {"s-0": "ok", "s-1": "failed"}
    _, why = answer("why", str(log_file))
    assert why["cause"]["type"] == "BatchItemFailure"
    assert (why["cause"]["function"], why["impact"]["ids"]) == ("worker", ["s-1"])


def test_a_record_does_not_answer_for_another_of_its_batch(night, log_file, answer):
    """Both were given back, one with an exception of its own: that is the cause of one alone."""
    sends = {number: send(night, number) for number in range(2)}
    run = work(night, 100, sends, failedRecords=["m0", "m1"])
    night.events.pop()  # END and REPORT come after the record's own line
    night.events.pop()
    sender, sent = sends[1]
    record = {"traceId": sender.trace, "spanId": night.span(), "parentSpanId": sent}
    times = {"startUs": night.us(103), "durationUs": 500}
    said = {"status": 2, "error": ERROR, "recordId": "m1", "kind": "CONSUMER", "name": "process"}
    night.line(run, 108, "span", **record, **times, **said)
    night.close(run, 111, 8)

    found = states(answer, night, log_file)
    rows = by_tag(answer("transactions", log_file)[1], "saleId")

    assert found == {"s-0": "failed", "s-1": "failed"}
    _, shown = answer("show", "s-0", log_file)
    failures = [frame["failure"]["type"] for frame in shown["stack"] if frame["failure"]]
    assert failures == ["BatchItemFailure"]
    assert rows["s-0"]["functions"] == ["till", "worker"]


@pytest.mark.parametrize("known", [True, False])
def test_a_failed_record_without_a_span_is_known_by_its_senders_key(night, log_file, answer, known):
    """A batch handled in one go: the id that SQS gave the sender tells whose record failed."""
    sends = {number: send(night, number) for number in range(2)}
    work(night, 100, sends, records=False, failedRecords=["m1" if known else "m9"])

    expected = {"s-0": "ok", "s-1": "failed"} if known else {"s-0": "shared", "s-1": "shared"}
    assert states(answer, night, log_file) == expected


def test_a_record_that_is_delivered_again_and_goes_well_is_recovered(night, log_file, answer):
    """Given back, and then done."""
    sends = {number: send(night, number) for number in range(2)}
    work(night, 100, sends, failedRecords=["m1"])
    work(night, 300, {1: sends[1]})

    assert states(answer, night, log_file) == {"s-0": "ok", "s-1": "recovered"}


def test_a_record_received_before_is_recovered_though_nobody_read_how(night, log_file, answer):
    """The first deliveries lie before what was read; the count tells of them."""
    sends = {0: send(night, 0)}
    work(night, 100, sends, entries=[{"receiveCount": 3}])

    assert states(answer, night, log_file) == {"s-0": "recovered"}
    _, shown = answer("show", "s-0", str(log_file))
    assert [span["received"] for span in shown["spans"] if span["role"] == "record"] == [3]


def test_the_page_says_how_often_a_message_was_received(night, log_file, command):
    """A message that came alone says it on the start line."""
    run, sent = send(night, 0)
    said = {"trigger": "sqs", "parentSpanId": sent, "trace": run.trace, "receiveCount": 3}
    worker = night.begin("worker", 100, **said)
    night.end(worker, 109, began=100, lasted=8, parentSpanId=sent)

    page = command("show", "s-0", night.write(log_file)).stdout.decode()

    assert page.count("received 3 times") == 2  # in the stack and in the tree


def test_a_record_that_is_entered_again_is_one_span(night, log_file, answer):
    """First start, last end, and the outcome of the last time."""
    sender, sent = send(night, 0)
    run = night.begin("worker", 100, trigger="sqs", links=[[sender.trace, sent]], kind="CONSUMER")
    span = night.span()
    first = [span, sender.trace, sent, "m0", 1000, 500, ""]
    night.line(run, 105, "calls", startUs=night.us(101), records=[first])
    night.end(run, 120, began=100, lasted=19, records=[[*first[:4], 9000, 2000, ""]])

    _, shown = answer("show", "s-0", night.write(log_file))

    [record] = [span for span in shown["spans"] if span["role"] == "record"]
    assert (record["offsetUs"], record["durationUs"]) == (101_000, 10_000)


@pytest.mark.parametrize("inject", [True, False])
def test_a_message_that_comes_back_from_a_dead_letter_queue_is_one_story(
    night, log_file, answer, inject
):
    """Failed, looked at by another function, sent back: same context, or same MessageId."""
    sends = {0: send(night, 0)}
    sender, sent = sends[0]
    joined = {"trace": sender.trace, "parentSpanId": sent} if inject else {"linkIn": ["sqs:m0"]}
    parent = {"parentSpanId": sent} if inject else {}
    for ms, name, error in ((100, "worker", ERROR), (300, "rescue", None), (500, "worker", None)):
        start = {"kind": "CONSUMER", "source": "queue" if name == "worker" else "dead", **joined}
        run = night.begin(name, ms, trigger="sqs", **start)
        night.end(run, ms + 9, began=ms, lasted=8, **parent, **({"error": error} if error else {}))

    assert states(answer, night, log_file) == {"s-0": "recovered"}
    _, shown = answer("show", "s-0", str(log_file))
    assert shown["transaction"]["functions"] == ["till", "worker", "rescue"]
    invoked = [span["name"] for span in shown["spans"] if span["role"] == "invocation"]
    assert invoked == ["till", "worker", "rescue", "worker"]


@pytest.mark.parametrize("inject", [True, False])
@pytest.mark.parametrize("whose", ["its own span", "the call's", "the record's"])
def test_a_bound_entry_belongs_to_its_records_transaction_alone(
    night, log_file, answer, inject, whose
):
    """One call sends three messages: one for each of two records, and one for nobody's."""
    sends = {number: send(night, number) for number in range(2)}
    links = [[run.trace, sent] for run, sent in sends.values()]
    worker = night.begin("worker", 100, trigger="sqs", kind="CONSUMER", links=links, records=2)
    call, records, bound = night.span(), [], []
    for number, (sender, sent) in sends.items():
        record = night.span()
        records.append([record, sender.trace, sent, f"m{number}", 1000, 500, ""])
        span = {"its own span": night.span(), "the call's": call, "the record's": record}[whose]
        bound.append([sender.trace, span, [f"sqs:n{number}"]])
    keys = ["sqs:n0", "sqs:n1", "sqs:n2"]
    entry = [call, "sqs.SendMessageBatch", "next", 2000, 900, 200, keys, {"bound": bound}]
    night.end(worker, 109, began=100, lasted=8, records=records, calls=[entry])
    for number, (trace, span, _) in enumerate([*bound, [worker.trace, call, []]]):
        known = {"trace": trace, "parentSpanId": span} if inject else {"linkIn": [f"sqs:n{number}"]}
        run = night.begin(f"next-{number}", 200 + number, trigger="sqs", kind="CONSUMER", **known)
        parent = {"parentSpanId": span} if inject else {}
        night.end(run, 205 + number, began=200 + number, lasted=4, **parent)

    listed = by_tag(answer("transactions", night.write(log_file))[1], "saleId")

    assert listed["s-0"]["functions"] == ["till", "worker", "next-0", "next-2"]
    assert listed["s-1"]["functions"] == ["till", "worker", "next-1", "next-2"]
    _, shown = answer("show", "s-0", str(log_file))
    shared = {span["name"]: span["sharedBy"] for span in shown["spans"] if span["sharedBy"]}
    assert shared == {"worker": 2, "next-2": 2}
    if whose != "the call's":
        assert [
            one["tags"]["saleId"] for one in answer("show", "sqs:n1", log_file)[1]["matches"]
        ] == ["s-1"]
