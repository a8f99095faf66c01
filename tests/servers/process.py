"""What do the tests' servers have in common? A process on loopback, one temporary folder, and an end with its owner."""

import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

READY_S = 60.0


class NoServer(Exception):
    """No such server can be had here; the message says what is missing."""


class ServerProcess(ABC):
    """`with Server() as server: …`; a subclass says how it is started and when it serves; NoServer where it cannot run.

    `kind` says what it is; `external` is somebody else's, which is neither started nor stopped.
    """

    kind = "external"
    folder: Path | None = None
    command: list[str]
    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def serves(self) -> bool:
        """Whether a client's request is answered now."""

    def start(self) -> None:
        """Start (again) on the same port and data, and wait until it serves."""
        if self.folder is None:
            return
        with (self.folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(
                self.command, stdout=out, stderr=out, cwd=self.folder, preexec_fn=die_with_parent
            )
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self._process.poll() is None:
            if self.serves():
                return
            time.sleep(0.1)
        raise NoServer(f"{self.kind} did not serve in {READY_S:.0f} s: {self.log_text[-2000:]}")

    def stop(self) -> None:
        """Clean shutdown; the data stay."""
        self._end(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT: a server that stands still, and goes on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; the data stay."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """The same server again."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        self.start()

    def close(self) -> None:
        """Stop and remove everything."""
        self._end(signal.SIGKILL)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The server's process; only of one that was started here."""
        assert self._process is not None, "it runs elsewhere, or is stopped"
        return self._process.pid

    @property
    def log_text(self) -> str:
        """What the server printed: for failing tests."""
        return "" if self.folder is None else (self.folder / "out.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None


def own_folder(name: str) -> Path:
    """A new folder for a server's data."""
    return Path(tempfile.mkdtemp(prefix=f"titan-{name}-"))


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def die_with_parent() -> None:
    """In a child before exec: be killed when the parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
