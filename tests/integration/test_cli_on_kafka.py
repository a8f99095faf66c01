"""The command over a real broker says the same as over the embedded log."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
MINUTES = 240
QUICK = ["--set", "strategies.sma_crossover.params.fast=3", "--set", "strategies.sma_crossover.params.slow=8"]


def _titan(*arguments: str) -> Any:
    ended = subprocess.run(
        [sys.executable, "-m", "ui.cli", *arguments, "--json"],
        capture_output=True, cwd=ROOT, timeout=300, env=os.environ | {"TITAN_LOG": ""},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    lines = ended.stdout.splitlines()
    return (
        [msgspec.json.decode(line) for line in lines]
        if arguments[:2] == ("topics", "tail")
        else msgspec.json.decode(ended.stdout)
    )


def _events(log: str, topic: str) -> list[dict[str, Any]]:
    events = _titan("topics", "tail", topic, "--from", "earliest", "--to-end", "--log", log)
    assert isinstance(events, list)
    return sorted(events, key=lambda event: event["id"])


def test_ingest_run_and_read(empty_kafka: str, tmp_path: Path) -> None:
    rows = ["time,open,high,low,close,volume"]
    for minute in range(MINUTES):
        price = 1650 + 20 * math.sin(minute / 12)
        stamp = f"2013-09-02T{14 + minute // 60:02d}:{minute % 60:02d}:00Z"
        rows.append(f"{stamp},{price:.2f},{price + 1:.2f},{price - 1:.2f},{price + 0.5:.2f},100")
    file = tmp_path / "ES.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    own = ["--set", f"run.recovery_dir={tmp_path}/recovery"]
    logs = {f"kafka://{empty_kafka}": own, f"sqlite:///{tmp_path}/t.db": []}
    said: dict[str, Any] = {}
    for log, sets in logs.items():
        assert len(_titan("topics", "apply", "--log", log)["created"]) > 10
        assert _titan("ingest", str(file), "--format", "ohlcv", "--log", log)["rows"] == MINUTES
        assert _titan("run", "--to-end", "--log", log, *QUICK, *sets)["fills"] > 0
        assert _titan("doctor", "--log", log)["ok"] is True
        command = _titan("command", "pause", "--reason", "test", "--wait", "0.2", "--log", log)
        assert (command["offset"], command["taken"]) == (0, False)
        assert _titan("status", "--log", log)["topics"]["risk_commands"]["records"] == 1
        topics = ("bars", "trade_signals", "execution_reports", "portfolio_updates")
        said[log] = [[(e["id"], e["partition"]) for e in _events(log, topic)] for topic in topics]
    first, second = said.values()
    assert first == second
    assert all(first)
