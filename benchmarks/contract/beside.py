"""Other tracers beside lumitrace: each alone, and with lumitrace in every order.

Nobody may tell that lumitrace joined: answers, errors and their stack traces, output, the process,
what the other tracer sends, and every request but for the documented injection. And nothing is
written twice: no header, no message attribute, no member of an object.
"""

import re
import sys
from collections import Counter

import cases
from cases import Case
from stage import stage_of
from tests.twin.beside import ORDERS, SETTINGS, differences

NOTE = re.compile(rb'"lumitrace_trace_id": ?"[^"]*"')  # ours in X-Ray: docs/neighbours.md
TRIED = (
    Case(cases.KINDS, "own.sends", ({}, {"fails": True}, {})),
    Case(cases.ERRORS, "failing.function", cases.WAYS),
    Case(cases.ERRORS, "failing.app", ("value", "chained")),
    *(Case(cases.DEATHS, "failing.function", ("value", it)) for it in ("exit 3", "custom")),
    Case(cases.ANSWERS, "plain.result", cases.RESULTS),
    Case(cases.EVENT, "plain.echo", cases.EVENTS),
    Case(cases.INSIDE, "calls.handler", (*cases.CALLS, "caught")),
    Case(cases.OUTPUT, "hosts.logs", (1, 2)),
    Case(cases.OUTPUT, "hosts.logs", (1, 2), {"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    Case(cases.ALARM, "own.alarm", (1, 2)),
    Case(cases.ALARM, "own.timer", (1, 2)),
    Case(cases.RANDOM, "own.drawn", (1, 2)),
    Case(cases.CONTEXT, "own.context", (1, 2)),
    Case(cases.PROCESS, "own.around", (1, 2)),
    Case(cases.FORKS, "own.threads", (1, 2)),
)


def run(chosen, rows):
    """Return the table of *chosen* peers as Markdown, and whether nothing differs."""
    lines = [f"| beside | {' | '.join(ORDERS)} |", f"|---|{'---|' * len(ORDERS)}"]
    is_well = True
    tried = [it for it in TRIED if rows in f"{it.row} {it.handler}"]
    events = sum(len(it.events) for it in tried)
    for peer in chosen:
        print(f"{peer.title} {peer.version}", file=sys.stderr, flush=True)
        cells = []
        with stage_of(peer) as stage:
            found = [_tried(stage, it) for it in tried]
        for order in ORDERS:
            wrong = [text for one in found for text in one[order]]
            is_well = is_well and not wrong
            cells.append(f"{len(wrong)} differences" if wrong else f"{events} the same")
            for text in wrong:
                print(f"  {peer.name}, {order}: {text}")
        lines.append(f"| {peer.title} {peer.version} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n", is_well


def _tried(stage, case):
    """Return, by order, what of *case* is not as with the peer alone."""
    alone = stage.run(case, wrapped=True, settings=SETTINGS)
    sent, found = _sent(stage), {}
    for order in ORDERS:
        ours = {"layer": True} if order == "layer" else {"ours": order}
        both = stage.run(case, wrapped=True, settings=SETTINGS, **ours)
        wrong = list(differences(alone, both))
        now = _sent(stage)
        if now != sent:
            wrong.append(f"the peer sends {list(now.items())}, alone: {list(sent.items())}")
        found[order] = [f"{case.handler}: {text}" for text in wrong]
    return found


def _sent(stage):
    """Return to which places the peer sent, and the names of X-Ray's segments.

    How many requests there were is not compared: some are sent by a thread of the peer's, and
    Lambda's process may end before.
    """
    requests, datagrams = stage.sinks.taken()
    sent = Counter({(it.method, it.path.partition(b"?")[0]) for it in requests})
    for datagram in datagrams:
        _, _, document = NOTE.sub(b"", datagram).partition(b"\n")
        sent.update(re.findall(rb'"name": ?"([^"]+)"', document))
    return sent
