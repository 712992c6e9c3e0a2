"""Three ways to trace a function without a change to its code."""

import shutil
from pathlib import Path

import pytest

import lumitrace

SIMPLE = """
    import os

    def handler(event, context):
        print("at work", os.environ["_HANDLER"])
        return {"n": event.get("n")}
"""
DECORATED = """
    import lumitrace

    @lumitrace.traced
    def handler(event, context):
        return 1
"""
WAYS = {
    "wrapper": {"wrapper": True},
    "redirect": {"handler": "lumitrace.handler", "LUMITRACE_HANDLER": "app.handler"},
    "pth": {"LUMITRACE_AUTO": "1"},
    "wrapper, with an empty PYTHONPATH": {"wrapper": True, "PYTHONPATH": ""},
    "wrapper, with a PYTHONPATH": {"wrapper": True, "PYTHONPATH": "elsewhere"},
}


def way(name, handler="app.handler"):
    """Return the arguments of one way in, for *handler*."""
    found = dict(WAYS[name])
    found["LUMITRACE_HANDLER" if "handler" in found else "handler"] = handler
    return found


every_way = pytest.mark.parametrize("name", WAYS)


@every_way
def test_a_function_is_traced(run, name):
    """Whichever way: its result is its own, its lines are there, once."""
    told = run(SIMPLE, event={"n": 7}, **way(name))

    assert told.said == [("response", {"n": 7})]
    assert told.kinds == ["start", "invocation"]


def test_without_a_way_nothing_is_traced(run):
    """The layer alone does nothing: no line, no module of ours."""
    told = run(
        """
        import sys

        def handler(event, context):
            return [name for name in sys.modules if name.startswith("lumitrace")]
        """
    )

    assert (told.said, told.kinds) == ([("response", [])], [])


@every_way
def test_switched_off_it_is_off(run, name):
    """With LUMITRACE_ENABLED=0 the handler is the user's own object and there are no lines."""
    told = run(
        """
        import sys

        def handler(event, context):
            return sys._getframe(1).f_code.co_name
        """,
        **way(name),
        LUMITRACE_ENABLED="0",
    )

    assert (told.said, told.kinds) == ([("response", "handle_event_request")], [])


@every_way
def test_layer_and_decorator_make_one_span(run, name):
    """Also where another decorator stands between them."""
    code = DECORATED.replace(
        "@lumitrace.traced", "@(lambda f: lambda e, c: f(e, c))\n    @lumitrace.traced"
    )

    assert run(DECORATED, **way(name)).kinds == ["start", "invocation"]
    assert run(code, **way(name)).kinds == ["start", "invocation"]


WRONG = {
    "no such module": ({}, "gone.handler"),
    "no such function": ({"app.py": "x = 1\n"}, "app.handler"),
    "no dot": ({"app.py": "x = 1\n"}, "app"),
    "built in": ({}, "sys.exit"),
    "slash": ({"in/app.py": "x = 1\n"}, "in/app.handler"),
    "syntax": ({"app.py": "def handler(:\n"}, "app.handler"),
    "import error": ({"app.py": "import gone\n"}, "app.handler"),
    "attribute error": ({"app.py": "import os\nos.gone\n"}, "app.handler"),
    "value error": ({"app.py": "def f():\n    raise ValueError('x')\nf()\n"}, "app.handler"),
    "exit": ({"app.py": "raise SystemExit(3)\n"}, "app.handler"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_handler_gives_the_runtimes_own_words(run, case):
    """What Lambda is told and what is printed are the untraced function's, whichever way."""
    files, handler = WRONG[case]
    bare = run(files, handler)

    told = {name: run(files, **way(name, handler)) for name in WAYS}

    assert bare.said or case == "exit"
    words = (bare.said, bare.theirs)
    assert {name: (x.said, x.theirs) for name, x in told.items()} == dict.fromkeys(WAYS, words)


def test_no_handler_named_is_told(run):
    """The error says what to set."""
    told = run(SIMPLE, "lumitrace.handler")

    [(_, kind, error)] = told.said
    assert kind == "Runtime.HandlerNotFound"
    assert "LUMITRACE_HANDLER" in error["errorMessage"]


@every_way
def test_a_function_on_its_way_out_writes_nothing(run, name):
    """LUMITRACE_ENABLED=strip takes marks off and that is all, from the first import on."""
    told = run(
        """
        from lumitrace.capture import doors

        installed = doors.install.cache_info().currsize

        def handler(event, context):
            return installed
        """,
        **way(name),
        LUMITRACE_ENABLED="strip",
    )

    assert (told.said, told.kinds) == ([("response", 1)], [])


def test_a_function_that_brings_lumitrace_uses_its_own(run, opt):
    """Its packages come before the layer's."""
    pytest.importorskip("wrapt")
    shutil.copytree(Path(lumitrace.__file__).parent, opt.parent / "task" / "lumitrace")

    told = run(
        """
        import lumitrace

        def handler(event, context):
            return lumitrace.__file__
        """,
        LUMITRACE_AUTO="1",
    )

    assert told.said == [("response", str(opt.parent / "task" / "lumitrace" / "__init__.py"))]
    assert told.kinds == ["start", "invocation"]


FAILING = """
    def handler(event, context):
        raise ValueError("no such sale")
"""


@every_way
def test_a_failing_handler_fails_alike(run, name):
    """The error and its stack trace are the untraced function's."""
    bare = run(FAILING)

    told = run(FAILING, **way(name))

    assert (told.said, told.theirs) == (bare.said, bare.theirs)
    assert told.kinds == ["start", "invocation"]


COLLECTING = """
    import gc
    {more}
    at_import = gc.get_threshold()[0]

    def handler(event, context):
        return [at_import, gc.get_threshold()[0], gc.isenabled(), gc.get_freeze_count() > 0]
"""


@every_way
def test_a_fast_init_collects_nothing_at_import_and_freezes(run, name):
    """Afterwards garbage is collected as before."""
    [(_, bare)] = run(COLLECTING.format(more="")).said
    [(_, slow)] = run(COLLECTING.format(more=""), **way(name)).said

    [(_, fast)] = run(COLLECTING.format(more=""), **way(name), LUMITRACE_FAST_INIT="1").said

    assert bare == slow
    assert bare[1:3] == fast[1:3]
    assert (fast[0], fast[3]) == (0, True)


def test_a_module_that_chooses_for_itself_is_obeyed(run):
    """What it says of garbage collection holds after a fast init as well."""
    fast = {"LUMITRACE_AUTO": "1", "LUMITRACE_FAST_INIT": "1"}

    [(_, disabled)] = run(COLLECTING.format(more="gc.disable()"), **fast).said
    [(_, chosen)] = run(COLLECTING.format(more="gc.set_threshold(9)"), **fast).said

    assert disabled[2] is False
    assert chosen[1] == 9
