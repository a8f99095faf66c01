"""Rows that a gateway could not read are input: a run over such a file verifies, and over its log it is the same."""

from pathlib import Path

import pytest

from flows.connectors.log import Log, LogSettings, open_log
from flows.replay_settings import replay_settings
from flows.verify import verify
from flows.what_if import what_if
from schemas.account import Alert
from schemas.codec import encode
from tests.backtests import backtested, done

SPY = Path(__file__).parents[1] / "golden/Default.csv"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kept backtest of 300 daily bars with a line that is no bar and one whose price is none."""
    folder = tmp_path_factory.mktemp("bad rows")
    lines = SPY.read_text(encoding="utf-8").splitlines()[:301]
    lines.insert(100, "2010-13-45,what,is,this")
    lines.insert(200, lines[200].replace(lines[200].split(",")[4], "none"))
    file = folder / "SPY.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = done(folder / "kept", [file], "--strategy", "sma_crossover", "--set", "fast=5", "--set", "slow=20")
    assert run.summary["dead_letters"] >= 2 and run.summary["signals"] > 5
    assert run.summary["topics"]["dead_letters"]["events"] == 0, "no leg said them"
    return folder


def opened(folder: Path) -> Log:
    return open_log(f"sqlite:///{folder}/titan.db", LogSettings(create=False))


def test_it_verifies(kept: Path) -> None:
    with opened(kept / "kept") as log:
        verdict = verify(log, replay_settings(log, None, {}), None, lambda _: None)
    assert verdict.equal and verdict.differing == []
    assert {one.verdict for one in verdict.topics} == {"equal"}


def test_as_it_was_is_what_is_recorded(kept: Path) -> None:
    with opened(kept / "kept") as log:
        with log.writer() as writer:
            alert = Alert("other:1", "account:other", "WARNING", "code", "of another account", 1)
            writer.append("alerts", b"other", encode(alert), 1)
        found = what_if(log, replay_settings(log, None, {}, ["fast=7"]), None, lambda _: None)
    assert found.differs_from_record == []


def test_over_its_log_it_says_the_same(kept: Path) -> None:
    over_file = backtested(
        kept / "again",
        [kept / "SPY.csv"],
        "--strategy",
        "sma_crossover",
        "--set",
        "fast=5",
        "--set",
        "slow=20",
    )
    over_log = backtested(kept / "from log", [], "--log", str(kept / "kept"))
    assert over_log.code == 0, over_log.err
    assert over_log.summary["topics"] == over_file.summary["topics"]
