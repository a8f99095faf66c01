"""Is the small world like the real one? The same run under Bytewax itself; a death in the middle of a transaction."""

import subprocess
import sys
from pathlib import Path

import pytest
from bytewax.testing import run_main

from flows.live import live_flow
from flows.progress import Progress
from tests.chaos.contents import contents, difference
from tests.chaos.markets import at, market, open_empty
from tests.chaos.trial import reference
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
