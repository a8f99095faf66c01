"""`titan replay --what-if` over a stretch of a run: each side from where it stands, told of these times alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import START_NS, Titan

MIDDLE = "2013-09-02T17:00:00Z"
SETS = ["--set", "venue.taker_bps=5"]


@pytest.fixture
def kept(titan: Titan, bars: str) -> str:
    """The folder of a kept backtest that trades every hour or so."""
    fast = ["--strategy", "sma_crossover", "--set", "fast=2", "--set", "slow=5"]
    more = ["--set", "risk.daily_drawdown.max_loss=1", "--fees-bps", "1"]
    ended = titan("backtest", "--input", bars, "--symbol", "ES", *fast, *more, "--out", "kept", "--json")
    assert ended.code == 0, ended.err
    assert isinstance(ended.json, dict) and ended.json["fills"] > 2
    return "kept"


def asked(titan: Titan, *more: str) -> dict[str, Any]:
    ended = titan("replay", "--what-if", "kept", *SETS, "--json", *more)
    assert ended.code == 0, ended.err
    assert isinstance(ended.json, dict)
    return ended.json


def test_two_stretches_are_the_whole(titan: Titan, kept: str) -> None:
    whole = asked(titan)
    first, second = asked(titan, "--to", MIDDLE), asked(titan, "--from", "2013-09-02T17:00:00.000001Z")
    for kind in ("signals", "orders", "fills"):
        assert 0 < first[kind]["before"] < whole[kind]["before"]
        for count in ("before", "after", "same", "changed", "gone", "new"):
            assert first[kind][count] + second[kind][count] == whole[kind][count], (kind, count)
    for side in ("before", "after"):
        one, other, all_ = first[side], second[side], whole[side]
        assert one["equity_nanos"] == other["initial_nanos"], "one begins where the other ends"
        assert (one["initial_nanos"], other["equity_nanos"]) == (all_["initial_nanos"], all_["equity_nanos"])
        for name in ("net_nanos", "fees_nanos", "slippage_nanos", "turnover_nanos", "orders", "fills"):
            assert one[name] + other[name] == all_[name], name
        assert one["trades"] + other["trades"] == all_["trades"]
    for name in ("net_nanos_before", "net_nanos_after", "fees_nanos_after", "trades_before"):
        assert first["symbols"][0][name] + second["symbols"][0][name] == whole["symbols"][0][name], name
    assert first["topics_after"] == second["topics_after"] == whole["topics_after"]
    assert first["differs_from_record"] == second["differs_from_record"] == []
    assert (first["from_ns"], second["to_ns"], whole["from_ns"]) == (None, None, None)
    assert first["to_ns"] == START_NS + 43 * 3600 * 10**9


def test_a_stretch_beyond_the_run_is_empty(titan: Titan, kept: str) -> None:
    later = asked(titan, "--from", "2030-01-01")
    assert later["fills"]["before"] == later["before"]["net_nanos"] == later["before"]["trades"] == 0
    assert later["before"]["initial_nanos"] == asked(titan)["before"]["equity_nanos"]
    before = asked(titan, "--to", "2001-01-01")
    assert before["fills"]["after"] == before["after"]["net_nanos"] == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--what-if", *SETS, "--from", "noon"], "--from noon: write a time"),
        (
            ["--what-if", *SETS, "--from", "2013-09-03", "--to", "2013-09-02"],
            "the end is before the beginning",
        ),
        (["--verify", "--to", "2013-09-02"], "a run is verified as a whole"),
    ],
)
def test_what_is_no_stretch(titan: Titan, given: list[str], says: str) -> None:
    Path("run").mkdir()
    ended = titan("replay", "run", *given)
    assert ended.code == 2 and says in ended.err
