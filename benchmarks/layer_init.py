"""What the layer costs a cold start, and what LUMITRACE_FAST_INIT saves.

Starts a function that imports boto3 and makes a client under Lambda's own runtime client, over and
over, until it asks for work; prints the medians of the CPU time. Needs awslambdaric, boto3 and
Linux:

    python benchmarks/layer_init.py [ROUNDS]
"""

import io
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "examples" / "ushop")]

import awslambdaric  # noqa: E402  # after the path is set

from local_aws.runtime_api import RuntimeApi  # noqa: E402
from lumitrace.reassembly.deploy.layer import build  # noqa: E402

BOOTSTRAP = ROOT / "examples/ushop/local_aws/runtime/bootstrap.py"
START = (
    "import os, runpy, sys; sys.path.append(os.environ.pop('_PACKAGES')); "
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
APP = """
import boto3

client = boto3.client("dynamodb")

def handler(event, context):
    return client.meta.region_name
"""
CASES = {
    "bare": {},
    "layer": {"LUMITRACE_AUTO": "1"},
    "layer, LUMITRACE_FAST_INIT=1": {"LUMITRACE_AUTO": "1", "LUMITRACE_FAST_INIT": "1"},
}


class Sandbox:
    """Ends the process when it asks for work."""

    def __init__(self):
        self.process = None

    def next_event(self):
        """Runtime API: its init is over."""
        self.process.kill()

    def init_failed(self, error_type, payload):
        """Runtime API: there is nothing to measure."""
        message = f"{error_type}: {payload.decode()}"
        raise SystemExit(message)


def init_ms(task, opt, variables):
    """Return the CPU time of one init, in ms."""
    sandbox = Sandbox()
    api = RuntimeApi(sandbox)
    environment = {
        "PATH": os.defpath,
        "LAMBDA_TASK_ROOT": str(task),
        "_HANDLER": "app.handler",
        "_LOCAL_AWS_LAYERS": str(opt / "python"),
        "_PACKAGES": str(Path(awslambdaric.__file__).parents[1]),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_DEFAULT_REGION": "eu-west-1",
        **variables,
    }
    command = [sys.executable, "-S", "-c", START, str(BOOTSTRAP), str(os.getpid())]
    sandbox.process = subprocess.Popen(command, cwd=task, env=environment)  # noqa: S603  # ours
    _, _, used = os.wait4(sandbox.process.pid, 0)
    sandbox.process.returncode = 0
    api.stop()
    return (used.ru_utime + used.ru_stime) * 1000


def main():
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    layer = build(f"{sys.version_info[0]}.{sys.version_info[1]}")
    with tempfile.TemporaryDirectory() as folder:
        opt, task = Path(folder, "opt"), Path(folder, "task")
        zipfile.ZipFile(io.BytesIO(layer.content)).extractall(opt)
        task.mkdir()
        (task / "app.py").write_text(APP, "utf-8")
        taken = {name: [] for name in CASES}
        for number in range(rounds + 1):
            names = [*CASES]
            for name in names[number % 3 :] + names[: number % 3]:
                took = init_ms(task, opt, CASES[name])
                if number:  # the first round fills the caches
                    taken[name].append(took)
    bare = statistics.median(taken["bare"])
    print(f"Python {layer.python}, layer of {len(layer.content):,} bytes, {rounds} rounds")
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:30} {median:6.1f} ms CPU  {median - bare:+6.1f}  least {min(values):6.1f}")


if __name__ == "__main__":
    main()
