"""The layer on the stage: a function whose code does not know of lumitrace is traced."""

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from local_aws import Settings, Stage
from local_aws.logs import messages
from lumitrace.reassembly.deploy.layer import build
from lumitrace.wire.span_line import MARK

PROBE = Path(__file__).parent / "probe" / "template.yaml"


@pytest.fixture(scope="module")
def opt(tmp_path_factory):
    """Return the folder that Lambda would call ``/opt``."""
    folder = tmp_path_factory.mktemp("opt")
    content = build(f"{sys.version_info[0]}.{sys.version_info[1]}").content
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    (folder / "lumitrace").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/lumitrace"},
        {"_HANDLER": "lumitrace.handler", "LUMITRACE_HANDLER": "probe.handler"},
        {"LUMITRACE_AUTO": "1"},
    ],
    ids=["wrapper", "handler", "pth"],
)
def test_each_way_in_traces_a_function(stage, opt, variables):
    """One start and one end each invocation, warm ones too."""
    variables = {name: value.replace("/opt", str(opt)) for name, value in variables.items()}
    settings = Settings(layers=[opt / "python"], environment=variables)
    with Stage(PROBE, endpoint_url=stage.endpoint_url, settings=settings) as own:
        outcomes = [own.platform.invoke("probe", b"{}") for _ in range(2)]
        own.drain()
        lines = messages(own.clients.logs, "probe")

    found = [json.loads(line) for line in lines if line.startswith(MARK)]
    told = [
        (x["record"], x.get("requestId")) for x in found if x["record"] in ("start", "invocation")
    ]
    ids = {outcome.request_id for outcome in outcomes}
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert sorted(it for it in told if it[1] in ids) == sorted(
        (kind, i) for kind in ("start", "invocation") for i in ids
    )
