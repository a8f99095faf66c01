"""Is the small world like the real one? The same run under Bytewax itself; a death in the middle of a transaction."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from bytewax.testing import run_main

from flows.live import live_flow
from flows.progress import Progress
from tests.chaos.contents import BY_SYMBOL, contents, difference
from tests.chaos.markets import at, market, open_empty
from tests.chaos.topologies import processes_of
from tests.chaos.trial import reference
from tests.chaos.world import World
from tests.integration.runs import ROOT

DIES = """
import os, signal, sys
from flows.connectors.log import open_log
with open_log(sys.argv[1]) as log:
    writer = log.writer()
    writer.append("marks", b"A", b"kept", 1)
    writer.flush()
    writer.append("marks", b"A", b"lost", 1)
    db, right = writer._db, writer._write
    writer._write = lambda batch: (right(batch), os.kill(os.getpid(), signal.SIGKILL))
    writer.flush()
"""


@pytest.mark.parametrize("number", [0, 1, 2])
def test_bytewax_writes_what_the_reference_holds(tmp_path: Path, number: int) -> None:
    with open_empty(tmp_path) as log:
        settings = at(market(number), log)
        run_main(live_flow(settings, log, Progress()))
        assert not difference(reference(number), contents(log))


def test_a_connection_that_is_dropped_leaves_what_a_killed_process_leaves(tmp_path: Path) -> None:
    with open_empty(tmp_path) as log:
        child = subprocess.run([sys.executable, "-c", DIES, log.url], cwd=ROOT, check=False)
        assert child.returncode == -9
        killed = log.spans("marks")
        writer = log.writer()
        writer.append("marks", b"A", b"kept", 1)
        writer.flush()
        writer.append("marks", b"A", b"lost", 1)
        writer._db.execute("BEGIN IMMEDIATE")
        writer._write(writer._batches["marks", next(iter(writer._batches))[1]])
        writer.abandon()
        dropped = log.spans("marks")
    assert sum(end for _, end in killed) == 1
    assert sum(end for _, end in dropped) == 2


@pytest.mark.parametrize("seed", range(3))
def test_legs_that_have_long_been_idle_read_what_comes_in_the_last_step(tmp_path: Path, seed: int) -> None:
    """All market data is written in one step, long after the legs have found nothing."""
    with open_empty(tmp_path) as log:
        ingest = processes_of("to end", market(seed))[0]
        ingest.rests = 200
        legs = processes_of("tail", market(seed))[1:]
        World(log, [ingest, *legs], [], random.Random(seed), torn=True).run()
        found = contents(log)
    assert not difference(reference(seed), found, BY_SYMBOL)
    assert found.cuts and ("portfolio_updates", "paper") in found.lanes
