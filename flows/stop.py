"""How does a run end when it is asked to? SIGINT and SIGTERM let every source end; then a last snapshot is taken.

By default SIGTERM kills a Bytewax process at once and SIGINT panics it. Here both set a flag that every source looks
at: it raises ``StopIteration``, Bytewax ends the dataflow, and the next start resumes exactly.
"""

import signal
import threading

_asked = threading.Event()


class Stopped(Exception):
    """Someone asked for the end before there was anything to do; what is in the log stays as it is."""


def install() -> None:
    """Let SIGINT and SIGTERM ask for the end; a second SIGINT kills. Does nothing outside the main thread."""
    _asked.clear()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ask)
        signal.signal(signal.SIGINT, _ask)


def _ask(number: int, _frame: object) -> None:
    if _asked.is_set() and number == signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    _asked.set()


def ask() -> None:
    """Ask for the end from within the process."""
    _asked.set()


def asked() -> bool:
    """Say whether the end was asked for."""
    return _asked.is_set()
