"""Who changes what: the twin test of lumitrace, run on other tracers.

Each case runs twice through Lambda's own runtime client (``awslambdaric``), bare and wrapped by a
tracer as its documentation wires it, and everything that differs is told: what is posted to Lambda,
requests to AWS, output, and the process itself. Each tracer has a virtual environment of its own,
made once in ``.venv/`` of the checkout. Nothing leaves the machine: exporters send to the loopback.

    python benchmarks/contract/run.py [--only xray,sentry] [--verbose] [--write FILE]
    python benchmarks/contract/run.py --beside  # each tracer alone, and with lumitrace beside it

Needs Linux, openssl, and an index of Python packages the first time.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "src")]

import beside  # noqa: E402  # after the path is set
import cases  # noqa: E402
import peers  # noqa: E402
import table  # noqa: E402
from stage import stage_of  # noqa: E402


def main():
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="names of tracers, with commas", default="")
    parser.add_argument("--rows", help="cases whose row or handler has this text", default="")
    parser.add_argument("--beside", action="store_true", help="tracers beside lumitrace")
    parser.add_argument("--verbose", action="store_true", help="tell each case that differs")
    parser.add_argument("--write", type=Path, help="a file for the table, as Markdown")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(peers.BY_NAME)
    chosen = [peers.BY_NAME[name] for name in names]
    if options.beside:
        text, is_well = beside.run([it for it in chosen if it.is_beside], options.rows)
    else:
        text, is_well = compared(chosen, options), True
    print(text)
    if options.write:
        options.write.write_text(text, "utf-8")
    return 0 if is_well else 1


def compared(chosen, options):
    """Return the table of *chosen* peers."""
    columns = {}
    tried = [it for it in cases.cases() if options.rows in f"{it.row} {it.handler}"]
    for peer in chosen:
        print(f"{peer.title} {peer.version}", file=sys.stderr, flush=True)
        with stage_of(peer) as stage:
            columns[peer] = [found for case in tried for found in stage.findings(case)]
        for found in columns[peer] if options.verbose else ():
            print(f"  {found.row}: {found.case}: {found.short}  {found.detail}")
    return table.markdown(columns, tried)


if __name__ == "__main__":
    sys.exit(main())
