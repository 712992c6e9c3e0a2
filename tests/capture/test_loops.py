"""Loops over records that end early: a ``break`` blames nobody, an exception its own record."""

import asyncio
import builtins
import gc
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import lumitrace
from lumitrace import traced

GROUP = getattr(builtins, "ExceptionGroup", ValueError)  # since Python 3.11


def queue_event(count=3, name="m"):
    """Return *count* messages, each from a trace of its own."""
    return {
        "Records": [
            {
                "messageId": f"{name}{number}",
                "body": "{}",
                "messageAttributes": {
                    "traceparent": {
                        "stringValue": f"00-{number:032x}-{number:016x}-01",
                        "dataType": "String",
                    }
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:ushop_shipping",
            }
            for number in range(1, count + 1)
        ]
    }


def work(record, bad="m2"):
    """Fail at one record."""
    if record["messageId"] == bad:
        raise ValueError(bad)


def blamed(captured, context, handler, event=None):
    """Run *handler*, which raises; return the ids of the records that failed."""
    with pytest.raises((ValueError, LookupError, GROUP)):
        traced(handler)(event or queue_event(), context)
    end = captured.one("invocation")
    assert end["status"] == 2
    failed = end.get("failedRecords", [])
    errors = {line.get("recordId") for line in captured.all("span") if "error" in line} - {None}
    assert errors == set(failed)
    return failed


# Loops that were left before the handler failed for a reason of its own.


def left_by_break(event, context):
    """The plain case."""
    for _ in lumitrace.records(event):
        break
    raise LookupError


def left_by_break_in_a_step(event, context):
    """The exit stands inside other blocks."""
    for record in lumitrace.records(event):
        with lumitrace.span("step"):
            try:
                if record["messageId"] == "m2":
                    break
            finally:
                lumitrace.tag(seen=True)
    raise LookupError


def left_by_return(event, context):
    """A helper finds what it looks for."""

    def first():
        for record in lumitrace.records(event):
            return record
        return None

    assert first()["messageId"] == "m1"
    raise LookupError


def left_by_break_and_still_held(event, context):
    """The generator is not closed: the handler has it in hand."""
    held = lumitrace.records(event)
    for _ in held:
        break
    raise LookupError


def left_by_break_and_held_in_a_ring(event, context):
    """Nor here, before the garbage collector comes."""
    ring = [lumitrace.records(event)]
    ring.append(ring)
    for _ in ring[0]:
        break
    raise LookupError


def left_in_a_helper_that_holds_it(event, context):
    """The loop's own frame is gone."""

    def helper():
        context.held = lumitrace.records(event)
        for _ in context.held:
            break

    helper()
    raise LookupError


def left_through_an_iterator(event, context):
    """enumerate, islice and their like stand between."""
    for _, _ in enumerate(itertools.islice(lumitrace.records(event), 2)):
        break
    raise LookupError


def left_through_a_generator_of_ones_own(event, context):
    """And generators that filter."""

    def good():
        for record in lumitrace.records(event):
            if record["messageId"] != "m1":
                yield record

    for _ in good():
        break
    raise LookupError


def left_through_a_delegate(event, context):
    """And those that delegate."""

    def all_of_them():
        yield from lumitrace.records(event)

    for _ in all_of_them():
        break
    raise LookupError


def left_from_a_generator_with_the_block_inside(event, context):
    """A user's own `records`."""

    def mine():
        for record in event["Records"]:
            with lumitrace.record(record):
                yield record

    for _ in mine():
        break
    raise LookupError


def left_again_and_again(event, context):
    """One statement, several loops; the last one is left well, too."""
    for _ in range(3):
        for record in lumitrace.records(event):
            if record["messageId"] == "m2":
                break
    raise LookupError


def left_and_the_exception_of_another_is_chained(event, context):
    """What was caught before says nothing of the record."""
    for _ in lumitrace.records(event):
        break
    try:
        raise ValueError
    except ValueError:
        raise LookupError from None


def caught_around_the_loop(event, context):
    """And another exception comes later."""
    try:
        for record in lumitrace.records(event):
            work(record, "m1")
    except ValueError:
        pass
    raise LookupError


def first_by_next(event, context):
    """One record asked for, the generator gone."""
    next(lumitrace.records(event))
    raise LookupError


def closed_by_hand(event, context):
    """`close` ends the record."""
    held = lumitrace.records(event)
    for _ in held:
        break
    held.close()
    raise LookupError


def closed_in_another_thread(event, context):
    """Where Python cannot put back what was in force here."""
    held = lumitrace.records(event)
    next(held)
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join(60)
    raise LookupError


INNOCENT = [
    closed_in_another_thread,
    left_by_break,
    left_by_break_in_a_step,
    left_by_return,
    left_by_break_and_still_held,
    left_by_break_and_held_in_a_ring,
    left_in_a_helper_that_holds_it,
    left_through_an_iterator,
    left_through_a_generator_of_ones_own,
    left_through_a_delegate,
    left_from_a_generator_with_the_block_inside,
    left_again_and_again,
    left_and_the_exception_of_another_is_chained,
    caught_around_the_loop,
    first_by_next,
    closed_by_hand,
]


@pytest.mark.parametrize("handler", INNOCENT, ids=lambda one: one.__name__)
def test_a_loop_that_was_left_before_blames_no_record(captured, context, handler):
    """The handler failed, and no record did."""
    assert blamed(captured, context, handler) == []
    gc.collect()


# Loops that the exception of the handler left.


def raised_in_the_body(event, context):
    """The plain case."""
    for record in lumitrace.records(event):
        if record["messageId"] == "m2":
            raise ValueError


def raised_below(event, context):
    """In a function that is called in the body, in a step."""
    for record in lumitrace.records(event):
        with lumitrace.span("step"):
            work(record)


def raised_again(event, context):
    """Looked at and let go."""
    for record in lumitrace.records(event):
        try:
            work(record)
        except KeyError:
            continue
        except ValueError:
            raise


def not_matched(event, context):
    """An ``except`` for another kind, and a ``finally``."""
    for record in lumitrace.records(event):
        try:
            work(record)
        except KeyError:
            continue
        finally:
            lumitrace.tag(seen=True)


def turned_into_another(event, context):
    """Raised where the first is handled."""
    for record in lumitrace.records(event):
        try:
            work(record)
        except ValueError as error:
            raise LookupError from error


def turned_into_another_around_the_loop(event, context):
    """What left the loop is the reason of what left the handler."""
    try:
        for record in lumitrace.records(event):
            work(record)
    except ValueError as error:
        raise LookupError from error


def kept_and_raised_after_a_break(event, context):
    """It is the record's, whenever it is raised."""
    kept = None
    for record in lumitrace.records(event):
        try:
            work(record)
        except ValueError as error:
            kept = error
            break
    raise kept


def raised_while_it_is_held(event, context):
    """The generator is not closed."""
    held = lumitrace.records(event)
    for record in held:
        work(record)


def raised_in_a_comprehension(event, context):
    """A loop in an expression."""
    return [work(record) for record in lumitrace.records(event)]


def raised_in_a_generator_expression(event, context):
    """Driven by a function that is no loop."""
    return sum(work(record) or 0 for record in lumitrace.records(event))


def raised_in_map(event, context):
    """No loop of Python's at all."""
    return list(map(work, lumitrace.records(event)))


def raised_in_map_in_a_loop(event, context):
    """While the next record is asked for."""
    for _ in map(work, lumitrace.records(event)):
        pass


def raised_behind_a_generator(event, context):
    """The generator between does not see it."""

    def good():
        for record in lumitrace.records(event):
            if record["messageId"] != "m1":
                yield record

    for record in good():
        work(record)


def raised_in_the_generator(event, context):
    """The one between fails."""

    def checked():
        for record in lumitrace.records(event):
            work(record)
            yield record

    for _ in checked():
        pass


def raised_behind_a_delegate(event, context):
    """``yield from`` stands between."""

    def all_of_them():
        yield from lumitrace.records(event)

    for record in all_of_them():
        work(record)


def raised_behind_a_generator_with_the_block_inside(event, context):
    """A user's own `records`."""

    def mine():
        for record in event["Records"]:
            with lumitrace.record(record):
                yield record

    for record in mine():
        work(record)


def raised_by_hand(event, context):
    """`next` keeps a record in force until the next one."""
    held = lumitrace.records(event)
    next(held)
    work(next(held))


def raised_in_a_with_block(event, context):
    """Entered and never left."""
    lumitrace.record(event["Records"][1]).__enter__()
    raise LookupError


def raised_in_the_second_loop(event, context):
    """The first was left by ``break``, and so was the loop of another pass."""
    for one in (queue_event(1, "other"), event):
        for record in lumitrace.records(one):
            if one is not event:
                break
            work(record)


def raised_in_a_task(event, context):
    """An async loop body."""

    async def all_of_them():
        for record in lumitrace.records(event):
            await asyncio.sleep(0)
            work(record)

    asyncio.run(all_of_them())


def raised_before_another_loop_cleans_up(event, context):
    """The second loop of the function runs while the exception is on its way."""
    try:
        for record in lumitrace.records(event):
            work(record)
    finally:
        for _ in lumitrace.records(queue_event(2, "other")):
            pass


def raised_in_a_group(event, context):
    """As a TaskGroup does (Python 3.11)."""
    kept = []
    for record in lumitrace.records(event):
        try:
            work(record)
        except ValueError as error:
            kept.append(error)
            break
    raise kept[0] if GROUP is ValueError else GROUP("all of them", kept)


def raised_in_a_thread(event, context):
    """The other thread, and its pool, come first."""

    def loop(bad):
        for record in lumitrace.records(queue_event(3, bad[0])):
            work(record, bad)

    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(loop, bad) for bad in ("m2", "n9")]
    futures[0].result()


GUILTY = [
    raised_in_the_body,
    raised_below,
    raised_again,
    not_matched,
    turned_into_another,
    turned_into_another_around_the_loop,
    kept_and_raised_after_a_break,
    raised_while_it_is_held,
    raised_in_a_comprehension,
    raised_in_a_generator_expression,
    raised_in_map,
    raised_in_map_in_a_loop,
    raised_behind_a_generator,
    raised_in_the_generator,
    raised_behind_a_delegate,
    raised_behind_a_generator_with_the_block_inside,
    raised_by_hand,
    raised_in_a_with_block,
    raised_in_the_second_loop,
    raised_in_a_task,
    raised_in_a_group,
    raised_before_another_loop_cleans_up,
    raised_in_a_thread,
]


@pytest.mark.parametrize("handler", GUILTY, ids=lambda one: one.__name__)
def test_an_exception_in_a_loop_is_its_records(captured, context, handler):
    """Of that record alone."""
    assert blamed(captured, context, handler) == ["m2"]


def test_nested_loops_are_each_told_for_themselves(captured, context):
    """A break out of the inner one blames none of its records, and the outer one's is to blame."""

    def handler(event, context):
        for record in lumitrace.records(event):
            for _ in lumitrace.records(queue_event(2, f"{record['messageId']}-")):
                break
            work(record)

    assert blamed(captured, context, handler) == ["m2"]


def test_an_exception_that_leaves_two_loops_is_of_both_records(captured, context):
    """The message and the part of it."""

    def handler(event, context):
        for record in lumitrace.records(event):
            for part in lumitrace.records(queue_event(2, f"{record['messageId']}-")):
                work(part, "m2-1")

    assert blamed(captured, context, handler) == ["m2", "m2-1"]


def test_a_record_ends_where_its_loop_was_left(captured, context, clock):
    """And what is called afterwards is the invocation's."""
    seen = []

    def handler(event, context):
        for _ in lumitrace.records(event):
            break
        seen.append(lumitrace.trace_id())
        clock.us += 1_000_000

    traced(handler)(queue_event(), context)

    end = captured.one("invocation")
    assert seen == [end["traceId"]]
    [entry] = end["records"]
    assert entry[3] == "m1"
    assert entry[5] < 1_000


def test_a_loop_closed_in_another_thread_is_in_force_no_more(captured, context):
    """Python cannot put back what was in force; nothing goes out in the record's name."""

    def handler(event, context):
        held = lumitrace.records(event)
        next(held)
        thread = threading.Thread(target=held.close)
        thread.start()
        thread.join(60)
        return lumitrace.trace_id()

    assert traced(handler)(queue_event(), context) == captured.one("start")["traceId"]


def test_a_record_that_is_in_force_again_outlasts_the_loop_it_was_left_in(captured, context):
    """The same loop runs a second time, while a ``with`` block holds the first one's record."""
    seen = []

    def handler(event, context):
        first, second, _ = event["Records"]

        def loop(one):
            for _ in lumitrace.records([one]):
                break

        for one in (first, second):
            if one is second:
                with lumitrace.record(first):
                    loop(one)
                    seen.append(lumitrace.trace_id())
            else:
                loop(one)

    traced(handler)(queue_event(), context)

    assert seen == [f"{1:032x}"]


def test_many_loops_that_are_left_early_keep_nothing(captured, context):
    """Each time the loop runs again, the record it was left in is told."""
    from lumitrace.capture.batch import batch_of
    from lumitrace.capture.current import current

    def handler(event, context):
        for number in range(50):
            for _ in lumitrace.records(queue_event(1, f"p{number}-")):
                break
        batch = batch_of(current().invocation)
        return len(batch.open), sum(map(len, batch.left.known.values()))

    assert traced(handler)(queue_event(), context) == (1, 1)
    lines = [line for line in captured.lines if line["record"] != "start"]
    assert sum(len(line.get("records", ())) for line in lines) == 50


def test_a_frame_that_ended_lends_its_number_to_another(captured, context):
    """A loop left by break in a function that ended: who fails later failed elsewhere."""

    def look(event, bad):
        for record in lumitrace.records(event):
            work(record, bad)
            break

    def handler(event, context):
        look(event, "none")
        look(queue_event(2, "x"), "x1")

    assert blamed(captured, context, handler) == ["x1"]
