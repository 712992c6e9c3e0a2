"""The layer uses its own wrapt, whatever wrapt the function or another layer brings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lumitrace

pytest.importorskip("botocore")

USES_BOTH = """
    import sys

    import botocore.session
    import wrapt
    from botocore.awsrequest import AWSResponse

    class Raw:
        def stream(self, *args, **kwargs):
            yield b'{"MessageId": "m1", "MD5OfMessageBody": "x"}'

    def answer(request, **_):
        sent.append(request.body)
        return AWSResponse(request.url, 200, {"x-amzn-RequestId": "a1"}, Raw())

    sent = []
    client = botocore.session.get_session().create_client("sqs")
    client.meta.events.register("before-send", answer)

    @wrapt.decorator
    def theirs(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    @theirs
    def handler(event, context):
        url = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
        client.send_message(QueueUrl=url, MessageBody="hi")
        return {
            "theirs": wrapt.__version__,
            "ours": sys.modules["lumitrace._vendor.wrapt"].__version__,
            "path": sys.modules["lumitrace._vendor.wrapt"].__file__,
            "extension": "lumitrace._vendor.wrapt._wrappers" in sys.modules,
            "context": b"traceparent" in sent[0],
        }
"""
STUB = """
raise ImportError("lumitrace has taken a wrapt that is not its own")
"""


def test_the_layer_uses_its_own_wrapt_alone(run, opt):
    """A wrapt that cannot even be imported does no harm."""
    code = USES_BOTH.replace(
        "import wrapt\n",
        "class wrapt:\n        __version__ = 0\n"
        "        decorator = staticmethod(lambda f: lambda g: g)\n",
    )

    told = run({"app.py": code, "wrapt.py": STUB}, LUMITRACE_AUTO="1")

    assert len(told.said[0]) == 2, told.output
    [(kind, result)] = told.said
    assert kind == "response"
    assert result["ours"] == "1.17.3"
    assert result["path"].startswith(str(opt))
    assert (result["extension"], result["context"]) == (False, True)


# A folder with more releases to try, each in a folder of its own, as pip install --target fills it.
MORE = os.environ.get("LUMITRACE_TEST_WRAPT", "")
INSTALLED = Path(pytest.importorskip("wrapt").__file__).parent
VENDORED = Path(lumitrace.__file__).parent / "_vendor" / "wrapt"
BROUGHT = [INSTALLED, VENDORED, *(sorted(Path(MORE).glob("*/wrapt")) if MORE else ())]
every_release = pytest.mark.parametrize("theirs", BROUGHT, ids=lambda path: path.parent.name)


def version(folder):
    """Return the release of wrapt in *folder*."""
    text = (folder / "__init__.py").read_text("utf-8")
    parts = re.search(r"__version_info__ = \((.*?)\)", text)[1]
    return ".".join(re.findall(r"\w+", parts))


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
@every_release
def test_merged_with_another_layer(run, opt, theirs, order):
    """One folder, as Lambda merges layers, in either order: each keeps its own wrapt."""
    merged = opt.parent / "merged" / "python"
    layers = [(opt / "python", merged), (theirs, merged / "wrapt")]
    for source, target in layers if order == "ours first" else reversed(layers):
        shutil.copytree(source, target, dirs_exist_ok=True)

    told = run(USES_BOTH, layers=[merged], LUMITRACE_AUTO="1")

    assert len(told.said[0]) == 2, told.output
    [(kind, result)] = told.said
    assert (kind, result["ours"], result["context"]) == ("response", "1.17.3", True)
    assert result["theirs"] == version(theirs)
    assert told.kinds.count("invocation") == 1


@every_release
def test_a_function_that_brings_its_own(run, opt, theirs):
    """Its wrapt is found first, and is its own alone."""
    shutil.copytree(theirs, opt.parent / "task" / "wrapt")

    told = run(USES_BOTH, LUMITRACE_AUTO="1")

    assert len(told.said[0]) == 2, told.output
    [(kind, result)] = told.said
    assert (kind, result["ours"], result["context"]) == ("response", "1.17.3", True)
    assert result["theirs"] == version(theirs)


def test_the_package_uses_the_wrapt_that_is_installed():
    """Where pip has installed lumitrace, wrapt is a dependency like any other."""
    wrapt = pytest.importorskip("wrapt")
    from lumitrace.capture import _wrapt

    assert _wrapt.proxy() is wrapt.ObjectProxy


def test_of_the_wrapt_that_is_installed_only_a_file_is_loaded():
    """All of wrapt 2 imports asyncio; nothing of it is left for the function to find."""
    pytest.importorskip("wrapt")
    program = """
import sys
sys.path[:0] = PATH
import importlib.util
from lumitrace.capture import _wrapt
from lumitrace.capture.guard import reporter
reporter.reraise = True
proxy = _wrapt.proxy()
print(sys.modules.keys() & {"asyncio"}, [name for name in sys.modules if name.startswith("wrapt")])
import wrapt
print(proxy.__module__, repr(proxy("x").__wrapped__), wrapt.ObjectProxy(proxy("y")) + "!")
"""
    source = f"PATH = {[path for path in sys.path if path]!r}\n{program}"

    done = subprocess.run(
        [sys.executable, "-S", "-c", source], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["set() []", "wrapt.wrappers 'x' y!"]
