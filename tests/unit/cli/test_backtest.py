"""`titan backtest` and where it keeps a run: never over the run that it reads."""

from pathlib import Path

import pytest

from flows.config import load_settings
from flows.connectors.log import LogSettings, open_log
from flows.run_settings import note_settings
from tests.unit.cli.conftest import Titan

FAST = ["--strategy", "sma_crossover", "--set", "fast=3", "--set", "slow=8"]


@pytest.fixture
def kept(titan: Titan, bars: str) -> str:
    """The folder of a kept backtest."""
    ended = titan("backtest", "--input", bars, "--symbol", "ES", *FAST, "--out", "kept", "--json")
    assert ended.code == 0, ended.err
    assert isinstance(ended.json, dict) and ended.json["fills"] > 1
    return "kept"


def test_the_run_that_is_read_is_never_replaced(titan: Titan, kept: str) -> None:
    Path("same").symlink_to(kept)
    before = Path(kept, "titan.db").stat().st_ino
    for log in (kept, f"sqlite:///{kept}/titan.db", "same"):
        for more in ([], ["--fresh"]):
            ended = titan("backtest", "--log", log, "--out", kept, *more)
            assert (ended.code, ended.out) == (2, "") and "this is the run that is read" in ended.err
    ended = titan("replay", "--verify", kept, "--keep", "same")
    assert ended.code == 2 and "this is the run that is read" in ended.err
    assert Path(kept, "titan.db").stat().st_ino == before
    assert titan("replay", "--verify", kept).code == 0


def test_another_run_is_replaced_when_asked(titan: Titan, kept: str) -> None:
    assert titan("backtest", "--log", kept, "--out", "other", "--json").code == 0
    (Path("other") / "titan.db.backup").write_text("mine", encoding="utf-8")
    refused = titan("backtest", "--log", kept, "--out", "other")
    assert refused.code == 2 and "replace it by --fresh" in refused.err
    assert titan("backtest", "--log", kept, "--out", "other", "--fresh", "--json").code == 0
    assert (Path("other") / "titan.db.backup").read_text(encoding="utf-8") == "mine"
    assert titan("replay", "--verify", "other").code == 0


def test_a_log_with_two_accounts_asks_for_one(titan: Titan, kept: str) -> None:
    with open_log(f"sqlite:///{kept}/titan.db", LogSettings(create=False)) as log:
        note_settings(log, load_settings(None, {}, ["account.id=other", "account.cash=5000"])[0])
    ended = titan("backtest", "--log", kept, "--json")
    assert ended.code == 2 and "other, paper: choose one by --account" in ended.err
    told = titan("backtest", "--log", kept, "--account", "other", "--json").json
    assert isinstance(told, dict) and told["metrics"]["initial_nanos"] == 5000 * 10**9
    refused = titan("backtest", "--log", kept, "--account", "nobody")
    assert refused.code == 2 and "nobody" in refused.err


def test_files_have_no_account(titan: Titan, bars: str) -> None:
    ended = titan("backtest", "--input", bars, "--symbol", "ES", "--account", "other")
    assert ended.code == 2 and "account.id" in ended.err
