"""``lumitrace layer build``."""

import argparse
import json
from pathlib import Path
from typing import Any

from lumitrace.reassembly.problem import Problem

PYTHON = "3.13"
OUT = "layer.zip"


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add ``layer`` to *commands*."""
    purpose = "the Lambda layer that traces functions without a change to their code"
    sentence = f"{purpose[0].upper()}{purpose[1:]}."
    layer = commands.add_parser("layer", help=purpose, description=sentence)
    actions = layer.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser("build", help="write the layer's zip", description=sentence)
    command.add_argument(
        "--python",
        default=PYTHON,
        metavar="VERSION",
        help=f"the functions' Python, whose bytecode goes in (default {PYTHON})",
    )
    command.add_argument(
        "--out", default=OUT, metavar="PATH", help=f"where to write it (default {OUT})"
    )
    command.add_argument("--json", action="store_true", help="the answer as JSON")


def run(asked: argparse.Namespace) -> int:
    """Build the layer, write it and say what it is.

    Raises:
        Problem: it cannot be built, or not be written there.
    """
    from lumitrace.reassembly.deploy.layer import build  # noqa: PLC0415  # other commands spare it

    layer = build(asked.python)
    try:
        Path(asked.out).write_bytes(layer.content)
    except OSError as error:
        sentence = f"{asked.out} cannot be written: {error.strerror}; give another --out"
        raise Problem(sentence) from error
    answer = {
        "path": asked.out,
        "python": layer.python,
        "bytes": len(layer.content),
        "bytecode": bool(layer.compiled_by),
        "sha256": layer.sha256,
        "codeSha256": layer.code_sha256,
    }
    print(json.dumps(answer, indent=2) if asked.json else _page(answer))  # noqa: T201  # a command
    return 0


def _page(answer: dict[str, Any]) -> str:
    version = answer["python"]
    within = f"bytecode of Python {version}, for that Python alone"
    if not answer["bytecode"]:
        within = (
            f"source only: no python{version} on PATH, and every cold start compiles it "
            f"(put python{version} on PATH, then build again)"
        )
    return (
        f"{answer['path']}   {answer['bytes']:,} bytes; {within}\n"
        f"sha256      {answer['sha256']}\n"
        f"CodeSha256  {answer['codeSha256']}   (as Lambda tells it)"
    )
