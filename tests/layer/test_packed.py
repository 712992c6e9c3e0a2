"""How the layer holds its modules: blanked, packed, and inert under another Python."""

import ast
import dis
import inspect
import shutil
import sys
import types
from pathlib import Path

import pytest

import lumitrace
from lumitrace.reassembly.deploy.blank import blank

PACKAGE = Path(lumitrace.__file__).parent
OURS = [
    path
    for folder in ("wire", "capture", "_vendor/wrapt")
    for path in sorted((PACKAGE / folder).rglob("*.py"))
]
EVERYTHING = """
    import asyncio
    import traceback

    import lumitrace
    from lumitrace import bind, failed, record, records, span, tag, trace_id

    @lumitrace.traced(name="n", tags={"a": 1})
    @lumitrace.traced
    @span("a step")
    def handler(event, context):
        tag(total=1)
        event = {"Records": [{"messageId": "1"}]}
        with record(event["Records"][0]), span("b", c=1) as scope:
            failed(event["Records"][0])
        async def step():
            async with span("c"):
                return 3
        found = [one["messageId"] for one in records(event)]
        entry = bind({"Id": "1"}, event["Records"][0])
        return [found, entry, asyncio.run(step()), trace_id()]
"""


def functions(code):
    """Return every function in *code* by its name and line, classes looked into."""
    found = {}
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found[const.co_name, const.co_firstlineno] = const
            found.update(functions(const))
    return found


def is_leaf(code):
    """Tell whether it is a function's, and nothing is defined in it, with annotations evaluated."""
    defines = any(isinstance(const, types.CodeType) for const in code.co_consts)
    return bool(code.co_flags & inspect.CO_OPTIMIZED) and not defines


def is_bare(node):
    """Tell whether *node* is an annotation without a value, which says nothing at run time."""
    return isinstance(node, ast.AnnAssign) and node.value is None


def steps(code):
    """Return its instructions and lines, without what idles where -OO drops a docstring."""
    found = []
    at = {offset: line for start, end, line in code.co_lines() for offset in range(start, end)}
    for one in dis.get_instructions(code):
        jump = one.opcode in dis.hasjrel or one.opcode in dis.hasjabs
        if one.opname != "NOP":
            found.append((one.opname, None if jump else one.argrepr, at.get(one.offset)))
    return found


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_blanked_module_runs_the_same_on_the_same_lines(path):
    """What is left of each function is the same bytecode, with the same line numbers."""
    source = path.read_text("utf-8")
    text = blank(source)

    before = functions(compile(source, "a.py", "exec", optimize=2, dont_inherit=True))
    after = functions(compile(text, "a.py", "exec", optimize=2, dont_inherit=True))

    assert len(text.splitlines()) == len(source.splitlines())
    assert set(after) <= set(before)
    bare = {node.lineno for node in ast.walk(ast.parse(source)) if is_bare(node)}
    for name, code in after.items():
        if is_leaf(code) and is_leaf(before[name]):
            expected = [step for step in steps(before[name]) if step[2] not in bare]
            assert [step for step in steps(code) if step[2] not in bare] == expected, name


def test_blanking_leaves_what_runs():
    """A text that is no docstring, a default after an annotation, a `#` in a text."""
    source = (
        "'''Doc.'''\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    import a\n"
        "def f(é: 'A[B]' = '#', *, b: int = 1) -> 'A':  # why\n    '''Doc\n    of f.'''\n"
        "class C:\n    '''Doc.'''\n\nx: int = 2\ny: 'int'\n'text'\n"
    )

    assert blank(source).splitlines() == [
        "",
        "TYPE_CHECKING = False",
        "0",
        "",
        "def f(é = '#', *, b = 1) :",
        "    0",
        "",
        "class C:",
        "    0",
        "",
        "x = 2",
        "0",
        "'text'",
    ]


def test_what_goes_wrong_names_the_line(run, opt):
    """Our frames, where they are left in, have their file and line."""
    told = run(
        """
        import traceback

        import lumitrace.wire.context as ours

        def handler(event, context):
            try:
                ours.format_traceparent(1)
            except AttributeError as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                return [frame.filename, frame.lineno, ours.__file__]
        """
    )

    source = (PACKAGE / "wire/context.py").read_text("utf-8").splitlines()
    [(_, (filename, line, file))] = told.said
    assert filename == "/opt/python/lumitrace/wire/context.py"
    assert "{context.trace_id}" in source[line - 1]
    assert file == f"{opt}/python/lumitrace/wire/context.py"


WAYS = {
    "pth": {"LUMITRACE_AUTO": "1"},
    "redirect": {"handler": "lumitrace.handler", "LUMITRACE_HANDLER": "app.handler"},
    "wrapper": {"wrapper": True},
    "wrapper, with a PYTHONPATH": {"wrapper": True, "PYTHONPATH": "elsewhere"},
    "decorator": {},
}


@pytest.mark.parametrize("way", WAYS)
def test_under_another_python_it_is_inert(run, opt, way):
    """No way in harms the function; it is not traced, and is told once why."""
    shutil.rmtree(opt / "python" / "lumitrace" / "__pycache__")  # all that another Python sees

    told = run(EVERYTHING, **WAYS[way])

    assert told.said == [("response", [["1"], {"Id": "1"}, 3, None])], told.output
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert told.output.count("does nothing under") == 1
    assert f"this layer is for Python {version}, and" in told.output
    assert told.kinds == []


def test_under_another_python_it_is_silent_where_it_is_switched_off(run, opt):
    """Whoever does not want it need not hear that it does nothing."""
    shutil.rmtree(opt / "python" / "lumitrace" / "__pycache__")

    told = run(EVERYTHING, LUMITRACE_ENABLED="0")

    assert [kind for kind, _ in told.said] == ["response"], told.output
    assert "does nothing" not in told.output


def test_a_seldom_module_is_compiled_where_it_is_needed(run):
    """LUMITRACE_TAGS is read by a module that has no bytecode; its source is known to Python."""
    told = run(
        """
        import inspect

        def handler(event, context):
            import lumitrace.capture.chosen as chosen
            return inspect.getsource(chosen.tags).split("(")[0]
        """,
        event={"a": "b"},
        LUMITRACE_AUTO="1",
        LUMITRACE_TAGS="a",
    )

    assert told.said == [("response", "def tags")]
    assert told.lines[0]["tags"] == {"a": "b"}
