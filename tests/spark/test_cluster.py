"""The same log on DuckDB and on a Spark cluster: a master and two workers, each its own process.

``scripts/test --spark`` runs it, in an environment that has pyspark; it needs Java 17. All of it
stays on the loopback interface, and ends with the test.
"""

import functools
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pyspark = pytest.importorskip("pyspark", reason="scripts/test --spark brings it")

from lumitrace.reassembly.pipeline import files, sources, spark, spark_files, spark_load  # noqa: E402
from lumitrace.reassembly.pipeline.duckdb import DuckDb  # noqa: E402
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS  # noqa: E402
from lumitrace.reassembly.pipeline.steps import RESULTS, Steps  # noqa: E402
from lumitrace.reassembly.problem import Problem  # noqa: E402

ROOT = Path(__file__).parents[2]
SPANS = int(os.environ.get("LUMITRACE_TEST_SPARK_SPANS", "20000"))
KILLED = "2026-11-22T23:26:41.000Z {} Task timed out after 3.00 seconds"
LOOPBACK = "127.0.0.1"
DEADLINE_S = 180  # to start; a quiet machine takes five
# Of a run of a minute compiling is most: the JVM's second compiler and Spark's own code generator
# pay off later, and so does planning anew after each step.
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.ui.enabled": "false",
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.extraJavaOptions": JVM,
    "spark.executor.extraJavaOptions": JVM,
    "spark.executorEnv.PYTHONPATH": str(ROOT / "src"),
}


# Py4J leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def started(command, log):
    """Return the process of *command*, which writes to *log*."""
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *command],
            env={
                **os.environ,
                "SPARK_DAEMON_JAVA_OPTS": JVM,
                "SPARK_LOCAL_IP": LOOPBACK,
                "PYSPARK_PYTHON": sys.executable,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def wait_for(process, says, log):
    """Return when the *log* of *process* *says* that it is there."""
    deadline = time.monotonic() + DEADLINE_S
    while says not in log.read_text("utf-8", "replace"):
        assert process.poll() is None, log.read_text("utf-8", "replace")
        assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
        time.sleep(0.1)  # nothing tells us but the file


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a master with two workers, ended with the module."""
    tmp_path = tmp_path_factory.mktemp("cluster")
    at, running = ["--host", LOOPBACK, "--webui-port", "0"], {}
    try:
        log = tmp_path / "master.log"
        master = ["org.apache.spark.deploy.master.Master", *at, "--port", "0"]
        running[log] = started(master, log)
        wait_for(running[log], "I have been elected leader", log)
        address = re.search(rf"spark://{LOOPBACK}:\d+", log.read_text("utf-8"))[0]
        for name in ("worker-1", "worker-2"):
            log = tmp_path / f"{name}.log"
            size = ["--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / name)]
            worker = ["org.apache.spark.deploy.worker.Worker", *at, *size, address]
            running[log] = started(worker, log)
        for log in [*running][1:]:
            wait_for(running[log], "Successfully registered with master", log)
        yield address
    finally:
        for process in reversed(running.values()):
            process.terminate()
        for process in running.values():
            process.wait(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def session(cluster):
    """A session on the cluster."""
    session = spark.session(cluster, memory="512m", settings=SETTINGS)
    yield session
    session.stop()


def write_shop(paths):
    """Write two logs of a shop, of which some invocations are killed, and return their lines.

    The second one begins where an invocation does.
    """
    source = ROOT / "benchmarks" / "reassembly" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", source)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    out = io.StringIO()
    generate.write(out, SPANS, mixed=True)
    lines, ended = out.getvalue().splitlines(), 0
    for place, line in enumerate(lines):
        ended += '"record":"invocation"' in line
        if '"record":"invocation"' in line and ended % 50 == 0:
            lines[place] = KILLED.format(re.search('"requestId":"([^"]+)"', line)[1])
    half = next(place for place in range(len(lines) // 2, 0, -1) if lines[place][:5] == "START")
    for path, part in zip(paths, (lines[:half], lines[half:]), strict=True):
        path.write_text("\n".join(part) + "\n", "ascii")
    return lines


def expected_members(lines):
    """Return the members of all transactions, told by a few lines of Python and no SQL."""
    sent, received, edges, traces = {}, [], set(), set()
    for line in lines:
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        trace = said["traceId"]
        traces.add(trace)
        edges |= {(link[0], trace) for link in said.get("links", ())}
        received += [(key, trace) for key in said.get("linkIn", ())]
        for call in said.get("calls", ()):
            sent.update(dict.fromkeys(call[6], trace))
        if said["record"] != "start":  # there it is how many there are
            traces |= {record[1] for record in said.get("records", ())}
    edges |= {(sent[key], trace) for key, trace in received if key in sent}
    after = {}
    for sender, receiver in edges:
        if sender != receiver:
            after.setdefault(sender, set()).add(receiver)
    entries = (traces | after.keys()) - {one for several in after.values() for one in several}
    return {(entry, member) for entry in entries for member in reach(entry, after)}


def reach(entry, after):
    """Return *entry* and every trace that comes *after* it."""
    found, waiting = {entry}, [entry]
    while waiting:
        more = after.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return found


def hash_of(engine):
    """Return the number of rows of each result, and one hash of all rows, sorted."""
    seen, counts = hashlib.sha256(), {}
    for table in RESULTS:
        rows = sorted(map(repr, engine.rows(f"SELECT * FROM {table}")))  # noqa: S608
        counts[table] = len(rows)
        seen.update("\n".join([table, *rows]).encode())
    return counts, seen.hexdigest()


def run(engine, module, paths):
    """Run all steps on *engine*."""
    module.load_text(engine, paths)
    steps = Steps(engine)
    steps.unfold()
    steps.join()
    steps.figures()
    return hash_of(engine)


def test_duckdb_and_a_spark_cluster_give_the_same_rows(session, tmp_path):
    """Every row of every result is the same, and a small oracle agrees on the transactions."""
    paths = [tmp_path / "one.log", tmp_path / "two.log"]
    lines = write_shop(paths)
    here = DuckDb()
    counts, expected = run(here, files, paths)

    found = run(spark.Spark(session), spark_load, [*map(str, paths)])
    workers = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1

    assert workers == 2
    assert found == (counts, expected)
    assert counts["spans"] >= SPANS * 0.97
    members = set(here.rows("SELECT entry_trace, member_trace FROM members"))
    assert members == expected_members(lines)


def write_archive(folder):
    """Write objects as a subscription delivers them: streams in turns, gzipped twice, one cut."""
    lines = [line for path in folder.parent.glob("*.log") for line in path.open(encoding="ascii")]
    (folder / "of a day").mkdir(parents=True)
    for number, name in enumerate(("1.gz", "of a day/2[x].gz", ".3.gz")):
        said = []
        for at in range(number * 60, number * 60 + 60, 20):
            events = [
                {"id": f"{n}", "timestamp": 1_795_390_000_000 + n, "message": lines[n]}
                for n in range(at, at + 20)
            ]
            envelope = {"messageType": "DATA_MESSAGE", "logGroup": "/aws/lambda/f"}
            stream = {"logStream": f"sandbox {at % 40}", "logEvents": events}
            said.append(gzip.compress(json.dumps({**envelope, **stream}).encode()))
        packed = said[0] if number else gzip.compress(b"".join(said))
        (folder / name).write_bytes(packed + b"broken" * number)


def test_an_archive_is_read_on_a_cluster_as_on_duckdb(session, tmp_path):
    """Every line with its stream, time and place; what is damaged is told, not what is hidden."""
    paths = [tmp_path / "one.log", tmp_path / "two.log"]
    write_shop(paths)
    write_archive(tmp_path / "archive")
    here, there = DuckDb(), spark.Spark(session)

    loaded = sources.load(here, [str(tmp_path / "archive")])
    found = spark_load.load(there, [str(tmp_path / "archive")])

    assert [problem.sentence for problem in found.problems] == [
        f"{tmp_path}/archive/of a day/2[x].gz: its data are damaged; what came before was read"
    ]
    assert repr(found.problems) == repr(loaded.problems)
    said = ", ".join(column for column in LINE_COLUMNS if column != "tags")
    for query in (f"SELECT {said} FROM lines", "SELECT * FROM platform", "SELECT * FROM streams"):  # noqa: S608
        rows = sorted(map(repr, here.rows(query)))
        assert rows == sorted(map(repr, there.rows(query)))
        assert len(rows) > 1


def test_spark_finds_files_by_folder_and_pattern(session, tmp_path):
    """By their names; a name that is a pattern too means itself; what it cannot read is told."""
    for name in ("b.log", "a*.log", "ab.log"):
        (tmp_path / name).touch()
    found = functools.partial(spark_files.files_at, session.sparkContext)

    assert [*found(str(tmp_path))] == [
        f"{tmp_path}/{name}" for name in ("a*.log", "ab.log", "b.log")
    ]
    assert [*found(f"{tmp_path}/a*.log")] == [f"{tmp_path}/a*.log"]
    assert [*found(f"{tmp_path}/?.log")] == [f"{tmp_path}/b.log"]
    assert next(found(tmp_path.as_uri())) == f"{tmp_path.as_uri()}/a*.log"
    with pytest.raises(Problem, match="there is no such file; give the address of logs"):
        [*found(f"{tmp_path}/none.log")]
    (tmp_path / "a,b.log").touch()
    with pytest.raises(Problem, match="Spark reads no file with a comma in its name"):
        [*found(str(tmp_path))]
