"""Do two runs beside each other differ by what sets them apart, and by nothing else?"""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.connectors.log import Log, TopicSpec, open_log
from operators.instruments import NANOS
from schemas.account import RunSettings
from schemas.topics import TOPICS
from tests.unit.report.runs import TinyRun, decision, write
from tests.unit.report.test_page import Parts
from ui.report import Comparison, Known, numbers, read_comparison, write_comparison

KNOWN = Known(currency="USD")
START_SETTINGS: dict[str, Any] = {
    "strategies": {"sma": {"params": {"fast": 10, "slow": 30}}},
    "account": {"id": "paper"},
}


def a_log(path: Path, run: TinyRun, fast: int | None) -> Log:
    opened = open_log(f"sqlite:///{path}")
    opened.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
    write(opened, run.events)
    if fast is not None:
        said = json.loads(json.dumps(START_SETTINGS))
        said["strategies"]["sma"]["params"]["fast"] = fast
        write(
            opened, [RunSettings(f"paper:{fast}", "paper", 0, f"digest{fast}", "tag", "0", json.dumps(said))]
        )
    return opened


def traded(price: float, symbol: str = "ES", strategies: tuple[str, ...] = ("sma",)) -> TinyRun:
    run = TinyRun()
    for i, strategy in enumerate(strategies):
        run.order(61, f"o{i}", strategy, symbol)
        run.fill(62 + i, f"o{i}", (strategy, symbol), 2, 100.0, 1.0)
    run.mark(120, symbol, 101.0)
    run.fill(122, "o9", (strategies[0], symbol), -2, price, 1.0)
    run.mark(180, symbol, price)
    return run


def compared(
    tmp_path: Path, a: TinyRun, b: TinyRun, fast: tuple[int | None, int | None] = (10, 20)
) -> Comparison:
    with a_log(tmp_path / "a.db", a, fast[0]) as one, a_log(tmp_path / "b.db", b, fast[1]) as other:
        return read_comparison(("first", one, "paper", KNOWN), ("second", other, "paper", KNOWN))


def test_differences_are_those_of_the_second_from_the_first(tmp_path: Path) -> None:
    said = compared(tmp_path, traded(102.0), traded(99.0, strategies=("sma", "rsi")))
    figures = {figure.name: (figure.a, figure.b, figure.difference) for figure in said.metrics}
    assert figures["net_nanos"] == (198 * NANOS, -203 * NANOS, -401 * NANOS)
    assert figures["trades"] == (1, 1, 0) and figures["win_rate"] == (1.0, 0.0, -1.0)
    assert figures["sharpe_ratio"] == (None, None, None)
    counts = {figure.name: (figure.a, figure.b, figure.difference) for figure in said.counts}
    assert counts["signals"] == (1, 2, 1) and counts["fills"] == (2, 3, 1) and counts["approved"] == (1, 2, 1)
    rsi, sma = said.strategies
    assert (rsi.name, rsi.a_net_nanos, rsi.b_net_nanos, rsi.a_win_rate) == ("rsi", 0, -101 * NANOS, None)
    assert (sma.name, sma.difference_nanos) == ("sma", -300 * NANOS)
    assert [(row.name, row.difference_nanos) for row in said.symbols] == [("ES", -401 * NANOS)]
    assert [(one.key, one.a, one.b) for one in said.settings] == [("strategies.sma.params.fast", 10, 20)]
    assert said.settings_known and said.notes == []


def test_a_run_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    said = compared(tmp_path, traded(102.0), traded(102.0), (10, 10))
    assert {figure.difference for figure in said.metrics + said.counts} <= {0, None}
    assert said.settings == [] and said.settings_known and said.notes == []
    assert said.paths.a_return == said.paths.b_return and said.paths.a_return[-1] == pytest.approx(0.00198)


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    late = traded(102.0, symbol="SPY")
    late.mark(86_400, "SPY", 103.0)
    said = compared(tmp_path, traded(102.0), late, (10, None))
    assert not said.settings_known and said.settings == []
    assert said.notes == ["the runs do not cover the same time", "they trade other symbols: ES, SPY"]


def test_a_run_without_an_account_is_named(tmp_path: Path) -> None:
    said = compared(tmp_path, TinyRun(), traded(102.0))
    assert said.metrics[0].a is None and said.metrics[0].difference is None
    assert said.notes[0].startswith("first says nothing of account paper")


def test_the_page_draws_both_curves_and_loads_nothing(tmp_path: Path) -> None:
    evil = "</script><b onclick='x'>"
    run = traded(99.0, strategies=(evil, "sma"))
    run.events.append(decision("o9", "sma", "ES", 1, denied=True))
    write_comparison(compared(tmp_path, traded(102.0), run), tmp_path / "c.html", "Two runs")
    parts = Parts((tmp_path / "c.html").read_text(encoding="utf-8"))
    (figure,) = json.loads(parts.scripts["figures"]).values()
    assert [trace["name"] for trace in figure["data"][:3]] == ["A first", "B second", "B less A"]
    assert not [
        attributes for _, attributes in parts.elements if {"onclick", "src", "href"} & attributes.keys()
    ]
    text = " ".join(parts.words)
    for words in ("strategies.sma.params.fast", "Two runs", "win_rate", evil, "Profit after fees by symbol"):
        assert words in text, words


def test_numbers_leave_out_the_curves(tmp_path: Path) -> None:
    plain = numbers(compared(tmp_path, traded(102.0), traded(99.0)))
    assert "paths" not in plain and plain["a"]["settings_digest"] == "digest10"
    json.dumps(plain)
