"""A built layer, unpacked, and a sandbox with Lambda's real runtime client that it is put into."""

import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

CLIENT = importlib.util.find_spec("awslambdaric")
if CLIENT is None:  # there is none for this system
    collect_ignore_glob = ["test_*.py"]

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "ushop"))

from local_aws.runtime_api import RuntimeApi  # noqa: E402  # found only now
from lumitrace.reassembly.deploy.layer import build  # noqa: E402  # as above
from lumitrace.wire.span_line import MARK  # noqa: E402  # as above

BOOTSTRAP = ROOT / "examples/ushop/local_aws/runtime/bootstrap.py"
SANDBOX = Path(__file__).with_name("sandbox.py")
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What the interpreter's own packages are, without any .pth of theirs: an editable install of
# lumitrace would be found before the layer's.
INSTALLED = Path(CLIENT.origin).parents[1] if CLIENT else None


def unpack(content, folder):
    """Unpack a zip as Lambda does, with the permissions that it holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return folder


@pytest.fixture(scope="session")
def layer():
    """Return the layer of this very Python."""
    return build(PYTHON)


@pytest.fixture
def opt(layer, tmp_path):
    """Return the folder that Lambda would call ``/opt``."""
    return unpack(layer.content, tmp_path / "opt")


class Told:
    """What one process told Lambda, and what it printed."""

    def __init__(self, event):
        self.said = []
        self.output = ""
        self.end = None
        self._event = event

    def next_event(self):
        """Runtime API: hand over the one event; who asks for a second is killed."""
        if self._event is None:
            self.end()
            return None
        event, self._event = self._event, None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "r1",
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:f:f",
        }
        return json.dumps(event).encode(), headers

    def responded(self, _request_id, payload):
        """Runtime API: a result."""
        self.said.append(("response", json.loads(payload)))

    def failed(self, _request_id, payload):
        """Runtime API: an error."""
        self.said.append(("error", json.loads(payload)))

    def init_failed(self, error_type, payload):
        """Runtime API: there is no handler."""
        self.said.append(("init", error_type, json.loads(payload)))

    @property
    def lines(self):
        """Our own lines of what was printed."""
        found = [line for line in self.output.splitlines() if line.startswith(MARK)]
        return [json.loads(line) for line in found]

    @property
    def kinds(self):
        """Which lines there are, in order."""
        return [line["record"] for line in self.lines]

    @property
    def theirs(self):
        """What was printed without our lines, and without the runtime client's clock."""
        lines = re.sub(r"\t\d{4}-\d\d-\d\dT[\d:.]+Z\t", "\tnow\t", self.output).splitlines()
        return [line for line in lines if not line.startswith(MARK)]


@pytest.fixture
def run(opt, tmp_path):
    """Run a function once, in a process as Lambda starts it, and return what it told."""
    task = tmp_path / "task"
    task.mkdir()

    def run(code, handler="app.handler", *, layers=None, wrapper=False, event=None, **environment):
        for name, text in (code if isinstance(code, dict) else {"app.py": code}).items():
            (task / name).parent.mkdir(parents=True, exist_ok=True)
            (task / name).write_text(textwrap.dedent(text), "utf-8")
        told = Told(event or {})
        api = RuntimeApi(told)
        variables = {
            "PATH": os.defpath,
            "LAMBDA_TASK_ROOT": str(task),
            "_HANDLER": handler,
            "_LOCAL_AWS_LAYERS": ":".join(map(str, [opt / "python"] if layers is None else layers)),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "PYTHONDONTWRITEBYTECODE": "1",
            "_PACKAGES": str(INSTALLED),
            "_BOOTSTRAP": str(BOOTSTRAP),
            **environment,
        }
        command = [str(opt / "lumitrace")] if wrapper else []
        command += [sys.executable, "-S", str(SANDBOX), str(os.getpid())]
        with subprocess.Popen(
            command,
            cwd=task,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            told.end = process.kill
            told.output = process.communicate(timeout=300)[0]
        api.stop()
        return told

    return run
