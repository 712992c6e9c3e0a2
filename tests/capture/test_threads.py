"""A step's context goes along into threads and tasks, and nothing else of the caller's does."""

import asyncio
import decimal
import inspect
import queue
import sys
import threading
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context

import pytest

from lumitrace import record, span, trace_id, traced
from lumitrace.capture.current import current

KEY = {"saleId": {"S": "1"}}
theirs = ContextVar("theirs", default="default")


def run(context, work, event=None):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work(event))(event or {}, context)


def inside():
    """Return the name of the current span."""
    found = current()
    return found and found.name


def test_a_step_goes_along_into_a_pool(captured, context):
    """By submit and by map."""

    def work(_):
        with ThreadPoolExecutor(2) as pool, span("step"):
            return [pool.submit(inside).result(), *pool.map(lambda _: inside(), range(3))]

    assert run(context, work) == ["step"] * 4


def test_a_record_goes_along_into_a_pool(captured, context, event):
    """What a thread does for a record belongs to the record's transaction."""

    def work(event):
        with ThreadPoolExecutor(1) as pool:
            found = []
            for one in event["Records"]:
                with record(one):
                    found.append((trace_id(), pool.submit(trace_id).result()))
            return found

    pairs = run(context, work, event("sqs"))

    assert pairs
    assert all(here == there for here, there in pairs)


def test_a_thread_has_its_own_span_again_after_the_call(captured, context):
    """The variable is set around the call and reset."""

    def work(_):
        before = copy_context()
        with ThreadPoolExecutor(1) as pool, span("step"):
            return pool.submit(inside).result(), before.run(pool.submit, inside).result()

    assert run(context, work) == ("step", "function")


def test_nothing_of_the_callers_goes_along(captured, context):
    """Neither decimal contexts nor variables of others: a thread is as it would be."""

    def there():
        found = decimal.getcontext().prec, theirs.get()
        decimal.getcontext().prec = 7
        theirs.set("thread")
        return found

    def work(_):
        with decimal.localcontext() as local, ThreadPoolExecutor(1) as pool, span("step"):
            local.prec = 50
            theirs.set("caller")
            found = [pool.submit(there).result() for _ in range(2)]
            return found, decimal.getcontext().prec, theirs.get()

    plain = work(None)
    theirs.set("default")

    assert run(context, work) == plain
    assert plain[0][0] == (decimal.DefaultContext.prec, "default")
    assert plain[0][1] == (7, "thread")  # the thread's own context lives on


def test_what_a_thread_raises_bears_no_frame_of_ours(captured, context):
    """The future holds the very exception, frame by frame."""
    raised = ValueError("no")

    def fail():
        raise raised

    def work(_):
        with ThreadPoolExecutor(1) as pool, span("step"):
            error = pool.submit(fail).exception()
        return error, [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    plain = work(None)
    raised.__traceback__ = None
    with_ours = run(context, work)

    assert with_ours[0] is plain[0]
    if sys.version_info >= (3, 11):  # before, one frame stays where something stands outside ours
        assert with_ours[1] == plain[1]


@pytest.mark.parametrize("arguments", [(), (None,)])
def test_a_wrong_submit_is_refused_as_it_would_be(arguments, captured, context):
    """The same exception with the same text."""

    def work(_):
        with ThreadPoolExecutor(1) as pool, span("step"):
            try:
                return str(pool.submit(*arguments).exception())
            except TypeError as error:
                return str(error)

    assert run(context, work) == work(None)


def test_where_no_step_runs_a_submit_is_untouched(captured, context):
    """The invocation's own span is found without help: the very function is queued."""

    class Recorded(queue.SimpleQueue):
        def put(self, item, *rest):
            seen.append(getattr(item, "fn", None))
            super().put(item, *rest)

    seen = []

    def work(_):
        with ThreadPoolExecutor(1) as pool:
            pool._work_queue = Recorded()
            return pool.submit(inside).result()

    assert run(context, work) == "function"
    if sys.version_info < (3, 14):  # there, a task holds the function
        assert seen[0] is inside


def test_a_step_that_an_earlier_invocation_left_open_is_not_carried(captured, context):
    """A generator that nobody closed keeps its span in force on its thread: it is over."""
    stepped = []

    def leave(_):
        stepped.append(span("step"))
        stepped[0].__enter__()

    run(context, leave)
    test_where_no_step_runs_a_submit_is_untouched(captured, context)


def test_a_pool_that_pickles_what_it_is_given_gets_it_as_it_is(captured, context):
    """Interpreters of one's own (Python 3.14): a function of ours could not be sent there."""

    class Pool(ThreadPoolExecutor):
        __module__ = "concurrent.futures.interpreter"

    def work(_):
        with Pool(1) as pool, span("step"):
            return pool.submit(inside).result()

    assert run(context, work) == "function"


def test_a_plain_thread_belongs_to_the_invocation(captured, context):
    """Where the context is lost, its span is the parent."""

    def work(_):
        found = []
        with span("step"):
            thread = threading.Thread(target=lambda: found.append(inside()))
            thread.start()
            thread.join()
        return found

    assert run(context, work) == ["function"]


def test_tasks_of_asyncio_keep_their_step(captured, context):
    """Each its own, also through `asyncio.to_thread` and the loop's executor."""

    async def one(name):
        with span(name):
            await asyncio.sleep(0)
            loop = asyncio.get_running_loop()
            return [
                inside(),
                await asyncio.to_thread(inside),
                await loop.run_in_executor(None, inside),
            ]

    async def both():
        return await asyncio.gather(one("a"), one("b"))

    assert run(context, lambda _: asyncio.run(both())) == [["a"] * 3, ["b"] * 3]


def test_a_method_of_a_pool_looks_as_it_did(captured, context):
    """By its name, its signature, what it is bound to, and as an equal of itself."""

    def work(_):
        with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other:
            bound = pool.submit
            weak = weakref.WeakMethod(bound)()
            return [
                bound.__name__,
                bound.__self__ is pool,
                bound.__func__.__qualname__,
                str(inspect.signature(bound)),
                bound == pool.submit,
                bound == other.submit,
                len({bound, pool.submit}),
                callable(weak),
                repr(bound).replace(hex(id(pool)), "0x"),
            ]

    assert run(context, work) == work(None)
