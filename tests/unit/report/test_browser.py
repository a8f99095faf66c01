"""Does a browser draw the page? In Chromium without a screen, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from flows.connectors.log import TopicSpec, open_log
from schemas.topics import TOPICS
from tests.unit.report.runs import TinyRun, write, write_bars
from ui.report import Known, write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_chromium_unpacks_the_library_and_draws_every_figure(tmp_path: Path) -> None:
    run = TinyRun()
    for i in range(12):
        run.fill(62 + i, f"o{i}", ("sma", "ES"), 1 if i % 2 == 0 else -1, 100.0 + i % 3)
    run.mark(120, "ES", 101.0)
    with open_log(f"sqlite:///{tmp_path}/t.db") as log:
        log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
        write(log, run.events)
        write_bars(log, "ES", [100.0, 101.0, 102.0])
        write_report(log, "paper", tmp_path / "report.html", "A run", Known())
    shown = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            f"--user-data-dir={tmp_path}/browser", "--virtual-time-budget=20000", "--dump-dom",
            f"file://{tmp_path}/report.html",
        ],
        capture_output=True, text=True, timeout=90, check=True,
    ).stdout  # fmt: skip
    assert 'data-drawn="yes"' in shown
    assert 'id="trouble" hidden' in shown
    for place in ("symbol-0", "equity", "spread-trade_return"):
        box = shown[shown.index(f'id="{place}"') :]
        assert "main-svg" in box[:3000]
