"""How do all pytest workers share one server of a kind? The first to ask starts this program, which keeps it.

`python -m tests.servers.shared KIND OWNER_PID STATE_FILE` serves until the owner, the pytest that began, is
gone. STATE_FILE then holds `ok<TAB>address<TAB>kind` or `no<TAB>reason`.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.process import READY_S, NoServer, ServerProcess
from tests.servers.registry import RegistryServer
from tests.servers.secured import SecuredKafka

_FETCH_S = 600.0
_KINDS: dict[str, tuple[Callable[[], AbstractContextManager[ServerProcess]], str]] = {
    "kafka": (KafkaServer, "bootstrap"),
    "registry": (RegistryServer, "url"),
    "secured": (SecuredKafka, "address"),
}


def shared(name: str, session: pytest.TempPathFactory) -> tuple[str, str]:
    """The address and the kind of the pytest session's one server; NoServer where it cannot run."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    folder = session.getbasetemp().parent if parallel else session.getbasetemp()
    owner = os.getppid() if parallel else os.getpid()
    state = folder / f"{name}.state"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            subprocess.Popen(
                [sys.executable, "-m", "tests.servers.shared", name, str(owner), str(state)],
                cwd=Path(__file__).parents[2], start_new_session=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            until = time.monotonic() + READY_S + _FETCH_S
            while not state.exists() and time.monotonic() < until:
                time.sleep(0.1)
    answer, *told = state.read_text().split("\t")
    if answer == "no":
        raise NoServer(told[0])
    print(f"{name} for the tests: {told[1]} at {told[0]}")
    return told[0], told[1]


def _serve(name: str, owner: int, state: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    make, address = _KINDS[name]
    try:
        with make() as server:
            _write(state, f"ok\t{getattr(server, address)}\t{server.kind}")
            while Path(f"/proc/{owner}").exists():
                time.sleep(0.5)
    except NoServer as reason:
        _write(state, f"no\t{reason}")


def _write(state: Path, text: str) -> None:
    state.with_suffix(".new").write_text(text)
    state.with_suffix(".new").rename(state)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
