"""Which error ends with which code; help; the command as its own process."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.config import ConfigError
from flows.connectors.log_errors import LogFull, LogUnreachable, LogUrlError, LogVersionError, RecordTooLarge
from schemas.codec import DecodeError
from ui.cli.exits import CheckFailed, UsageError, exit_code, report

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ConfigError("x"), 2),
        (LogUrlError("x"), 2),
        (DecodeError("x"), 3),
        (RecordTooLarge("x"), 3),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.csv"), 3),
        (LogUnreachable("x"), 4),
        (LogFull("x"), 4),
        (LogVersionError("x"), 4),
        (OSError(errno.EADDRINUSE, "Address already in use"), 4),
        (OSError(errno.ENOSPC, "No space left on device"), 4),
        (CheckFailed("x"), 5),
        (KeyboardInterrupt(), 130),
        (ModuleNotFoundError("x", name="plotly.graph_objects"), 2),
        (ModuleNotFoundError("x", name="schemas.nothing"), 1),
        (KeyError("x"), 1),
    ],
)
def test_every_error_has_its_code(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_inside_another_decides(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        try:
            raise LogUnreachable("kafka://h:1: nobody answers")
        except LogUnreachable as inner:
            raise RuntimeError("step failed") from inner
    except RuntimeError as outer:
        assert report(outer) == 4
    said = capsys.readouterr().err
    assert said == "titan: kafka://h:1: nobody answers\n"


def test_a_bug_keeps_its_traceback_and_debug_shows_every_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report(KeyError("x")) == 1
    assert "KeyError" in capsys.readouterr().err
    monkeypatch.setenv("TITAN_DEBUG", "1")
    report(UsageError("no such thing"))
    assert "UsageError: no such thing" in capsys.readouterr().err


def _titan(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui.cli", *arguments],
        capture_output=True, text=True, timeout=60, cwd=ROOT, env=os.environ | environ,
    )  # fmt: skip


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from ui.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'bytewax', 'confluent_kafka', 'pyarrow', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert ended.returncode == 0, ended.stderr
    for command in ("demo", "run", "ingest", "status", "doctor", "config", "topics", "command"):
        assert command in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo"], ["run"], ["ingest"], ["status"], ["doctor"], ["report"], ["report", "compare"],
        ["config", "show"], ["topics", "list"],
        ["topics", "apply"], ["topics", "tail"], ["command", "pause"], ["command", "resume"], ["command", "halt"],
        ["command", "reduce-only"],
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from ui.cli import main

    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    assert f"titan {' '.join(arguments)}" in capsys.readouterr().out.partition("Example")[2]


def test_version_and_module_entry() -> None:
    ended = _titan("--version")
    assert (ended.returncode, ended.stdout.split()[0]) == (0, "titan")


def test_a_reader_that_stops_reading_ends_the_command_quietly(filled: str) -> None:
    command = f"{sys.executable} -m ui.cli topics tail market_data --from earliest --to-end --log {filled} | head -n 1"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert len(ended.stdout.splitlines()) == 1
    assert ended.stderr == ""


def test_ctrl_c_ends_tidily(filled: str) -> None:
    tail = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "topics", "tail", "market_data", "--from", "earliest", "--log", filled],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert tail.stdout is not None
    for _ in range(6):
        assert tail.stdout.readline()
    time.sleep(0.1)
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=20)
    assert tail.returncode == 130
    assert "Traceback" not in err


def test_what_a_terminal_would_obey_is_shown_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    report(UsageError("found \x1b[31m, \x00 and ä\nline two"))
    assert capsys.readouterr().err == "titan: found \\x1b[31m, \\x00 and ä\nline two\n"
