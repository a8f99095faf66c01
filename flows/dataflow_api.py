"""May Bytewax's own HTTP API run, and can it? With BYTEWAX_DATAFLOW_API_ENABLED it serves the flow and its metrics.

It listens on every interface, asks nobody who they are, and where its port is taken it dies with a page of Rust while
the flow runs on without it. So it needs to be allowed (``run.expose_api``), and its port is tried first.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from flows.config import ConfigError

_ENABLED, _PORT = "BYTEWAX_DATAFLOW_API_ENABLED", "BYTEWAX_DATAFLOW_API_PORT"


@contextmanager
def served_once(exposed: bool) -> Iterator[None]:
    """Check it, and take it back after a dataflow: Bytewax can serve one in a process, and panics at a second."""
    check_api(exposed)
    try:
        yield
    finally:
        os.environ.pop(_ENABLED, None)


def check_api(exposed: bool) -> None:
    """Do nothing where the API is off.

    Raises:
        ConfigError: it is on, and was not allowed; or its port is no port.
        OSError: its port is taken.
    """
    if _ENABLED not in os.environ:
        return
    if not exposed:
        raise ConfigError(
            f"{_ENABLED} is set (to {os.environ[_ENABLED]!r}; any value counts): Bytewax would serve the dataflow and "
            "its metrics on every network interface to whoever asks. Unset it, or allow that with run.expose_api=true"
        )
    given = os.environ.get(_PORT, "3030")
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise ConfigError(f"{_PORT} is {given!r}: it must be a port from 1 to 65535")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("0.0.0.0", int(given)))
        except OSError as error:
            raise OSError(
                error.errno or errno.EADDRINUSE,
                f"port {given} of Bytewax's API cannot be used ({error.strerror}): another process has it, perhaps "
                f"another run. Set {_PORT} to a free port, or unset {_ENABLED}",
            ) from error
