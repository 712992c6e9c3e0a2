"""One log through the Python reading and through the engine, on every way into either."""

import importlib.util
from pathlib import Path

from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline import sources
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.steps import MAX_ROUNDS, Steps
from lumitrace.reassembly.sources.file import read_file

_SPEC = importlib.util.spec_from_file_location("oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)


def log_events(events):
    """Return *events*, as CloudWatch gives them, as the reading takes them."""
    return [
        LogEvent(one["logGroupName"], one["logStreamName"], one["timestamp"], one["message"], order)
        for order, one in enumerate(events)
    ]


def of_events(events):
    """Return what the reading makes of *events*, and how the engine differs: {} if it does not."""
    assembled = assemble(log_events(events))
    return assembled, oracle.differences(log_events(events), assembled)


def of_files(*paths):
    """Return the same of files: DuckDB reads itself what is plain."""
    counts, events = Counts(), []
    for path in paths:
        events += [event for source in read_file(str(path), counts) for event in source]
    for order, event in enumerate(events):
        event.order = order
    assembled = assemble(events)
    assembled.counts.skipped += counts.skipped
    return assembled, oracle.apart(run(*paths), assembled)


def run(*paths, max_rounds=MAX_ROUNDS, figures=False):
    """Return the engine after it ran over the files at *paths*, and added up its *figures*."""
    engine = DuckDb()
    sources.load(engine, [str(path) for path in paths])
    steps = Steps(engine, max_rounds)
    steps.unfold()
    steps.join()
    if figures:
        steps.figures()
    return engine


def streams(events, folder):
    """Write each log stream of *events* into a plain file of its own in *folder*."""
    texts = {}
    for one in sorted(events, key=lambda one: one["timestamp"]):
        name = f"{one['logGroupName']}-{one['logStreamName']}".replace("/", "_")
        texts.setdefault(name, []).append(one["message"].rstrip("\n") + "\n")
    for name, lines in texts.items():
        (folder / f"{name}.log").write_text("".join(lines), "utf-8")
    return [folder / f"{name}.log" for name in texts]


def of_night(night, folder):
    """Return what the reading makes of *night*; fail where the engine makes something else."""
    assembled, differ = of_events(night.events)
    assert differ == {}
    _, differ = of_files(*streams(night.events, folder))
    assert differ == {}
    return assembled
