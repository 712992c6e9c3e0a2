"""How often CPython's watchdog crashes the process whose stacks it writes.

Run it with ``python benchmarks/hang_stack.py [processes]``, in each Python of interest. The
watchdog reads the stacks without stopping the threads (cpython#131580, cpython#140815): while
Python code runs they change under it. Each process has several threads that either run Python code
or are blocked, is dumped once, as with LUMITRACE_HANG_STACK=1, and ends by itself. A process that
a signal ended has crashed.
"""

import subprocess
import sys

PROCESSES = 200
THREADS = 4

BLOCKED = "threading.Event().wait(0.3)"
BUSY = """
def deep(n):
    return [deep(n - 1) for _ in range(1)] if n else eval("1+1")
until = time.perf_counter() + 0.3
while time.perf_counter() < until:
    deep(60)
"""
SOURCE = """
import faulthandler, os, sys, threading, time
faulthandler.dump_traceback_later(0.15, file=os.open(os.devnull, os.O_WRONLY))
def run():
    exec(sys.argv[1], {{"time": time, "threading": threading}})
others = [threading.Thread(target=run) for _ in range({threads} - 1)]
for other in others: other.start()
run()
for other in others: other.join()
"""


def crashes(work, threads, processes):
    """Return how many of so many *processes* a signal ended."""
    source = SOURCE.format(threads=threads)
    command = [sys.executable, "-c", source, work]
    codes = [subprocess.call(command) for _ in range(processes)]  # noqa: S603  # as above
    if any(code > 0 for code in codes):
        sys.exit("a process failed by itself")
    return sum(code < 0 for code in codes)


def main():
    """Print a line for each kind of work."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    print(f"Python {sys.version.split()[0]}, {processes} processes each, one dump in each")
    for name, work in (("blocked", BLOCKED), ("runs Python code", BUSY)):
        for threads in (1, THREADS):
            found = crashes(work, threads, processes)
            print(f"{name:17} {threads} thread{'s' * (threads > 1):2} {found:4} crashed")


if __name__ == "__main__":
    main()
