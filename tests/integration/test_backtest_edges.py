"""What breaks backtesters, and what does ours do? Halts, splits, odd prices and volumes, ruin, a strategy that raises.

Real files through the real command; what is asserted is what docs/backtests.md promises.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from operators import strategies
from tests.backtests import PLAIN, Ran, backtested, done
from tests.benchmarks.peers.datasets import DEMO

MINUTE, HOUR = 60_000_000_000, 3_600_000_000_000
START = 1_599_836_400_000_000_000 // HOUR * HOUR  # a Friday, 15:00 UTC
ZIG = (10, 9, 8, 7, 8, 9, 10, 11, 10, 9, 8, 7, 8, 9, 10)
"""Averages of 2 and 3 closes cross at bars 5 (up), 9 (down) and 13 (up); each is filled one bar later."""
SMA = ("--strategy", "sma_crossover", "--set", "fast=2", "--set", "slow=3", "--set", "stop_atr=0")
TRADING = (*PLAIN, *SMA, "--fees-bps", "1")
Row = tuple[Any, ...]


def rows(
    closes: Sequence[float], start: int = START, step: int = MINUTE, volume: float = 1e6, open_: float = 0.0
) -> list[Row]:
    """Bars whose open is the close before."""
    opens = [open_ or closes[0], *closes[:-1]]
    return [
        (start + i * step, first, max(first, last), min(first, last), last, volume)
        for i, (first, last) in enumerate(zip(opens, closes, strict=True))
    ]


def written(path: Path, bars: Sequence[Row], symbol: str = "") -> Path:
    head = "ts,open,high,low,close,volume" + (",symbol" if symbol else "")
    lines = [",".join(map(str, (*bar, symbol) if symbol else bar)) for bar in bars]
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def run(folder: Path, bars: Sequence[Row], *more: str, symbol: str = "SYN1") -> Ran:
    return done(folder / "run", [written(folder / f"{symbol}.csv", bars)], *TRADING, *more)


def held(ran: Ran) -> dict[str, int]:
    """Lots by symbol, from the fills."""
    lots: dict[str, int] = {}
    for fill in ran.fills:
        sign = 1 if fill["side"] == "BUY" else -1
        lots[fill["symbol"]] = lots.get(fill["symbol"], 0) + sign * fill["last_quantity_nanos"]
    return lots


def test_the_plain_series_trades_three_times(tmp_path: Path) -> None:
    trades = run(tmp_path, rows(ZIG)).trades
    assert [(ts - START) // MINUTE for ts, *_ in trades] == [6, 10, 14]
    assert [price for _, _, price, _ in trades] == [9.0, 9.0, 9.0]


def test_an_order_of_friday_is_filled_at_mondays_open(tmp_path: Path) -> None:
    friday = rows(ZIG[:6], step=HOUR)
    monday = rows((14, 15, 14, 13, 12), START + 72 * HOUR, HOUR)
    ran = run(tmp_path, friday + monday)
    assert ran.summary["bars"] == 11, "no bar is made up for a weekend"
    ts, units, price, _ = ran.trades[0]
    assert (ts, price) == (START + 72 * HOUR, 14.0)
    assert units == 1111, "sized at Friday's close of 9: what Monday brings nobody knew"


def test_a_halted_symbol_waits_and_holds_up_nobody(tmp_path: Path) -> None:
    halted = rows(ZIG)[:6] + rows((12, 13, 12, 11), START + 60 * MINUTE)
    other = rows(ZIG * 5)
    files = [written(tmp_path / "SYN1.csv", halted), written(tmp_path / "SYN2.csv", other)]
    both = done(tmp_path / "both", files, *TRADING)
    alone = done(tmp_path / "alone", files[1:], *TRADING)
    first = next(fill for fill in both.fills if fill["symbol"] == "SYN1")
    assert (first["ts_event_ns"], first["last_price_nanos"]) == (START + 60 * MINUTE, 12 * 10**9)
    times = [fill["ts_event_ns"] for fill in both.fills if fill["symbol"] == "SYN2"]
    assert times == [fill["ts_event_ns"] for fill in alone.fills]


def test_a_bar_without_volume_fills_nothing(tmp_path: Path) -> None:
    bars = rows(ZIG)
    bars[6] = (*bars[6][:5], 0)
    ts, _, price, _ = run(tmp_path, bars).trades[0]
    assert ((ts - START) // MINUTE, price) == (7, 10.0), "the next bar that traded"


def test_a_series_that_never_has_volume_is_traded_at_its_prices(tmp_path: Path) -> None:
    assert len(run(tmp_path, rows(ZIG, volume=0)).trades) == 3


def test_an_order_larger_than_the_bars_volume_is_filled_in_parts(tmp_path: Path) -> None:
    bars = rows((*ZIG[:6], *(9 + i for i in range(40))), volume=300)
    ran = run(tmp_path, bars, "--set", "venue.participation=0.1")
    parts = [units for _, units, _, _ in ran.trades]
    assert parts == [30] * 37 + [1]
    assert [fill["status"] for fill in ran.fills] == ["PARTIALLY_FILLED"] * 37 + ["FILLED"]
    assert [price for _, _, price, _ in ran.trades][:4] == [9, 9, 10, 11], "each at its own bar's open"


AAPL = ("--strategy", "sma_crossover", "--set", "fast=2", "--set", "slow=3", "--set", "stop_atr=0", *PLAIN)
SPLIT = pd.Timestamp("2005-02-28", tz="UTC").value


def us5() -> pd.DataFrame:
    return pd.read_csv(DEMO / "us5_daily.csv.gz")


def around_the_split(adjusted: bool) -> pd.DataFrame:
    """AAPL, three months around its split of two for one."""
    frame = us5()
    frame = frame[(frame.Ticker == "AAPL") & frame.Date.between("2005-01-03", "2005-03-31")].copy()
    if adjusted:
        factor = frame["Adj Close"] / frame.Close
        frame[["Open", "High", "Low", "Close"]] = frame[["Open", "High", "Low", "Close"]].mul(factor, axis=0)
        frame["Volume"] /= factor
    return frame


def test_prices_are_taken_as_they_are_told_adjusted_or_not(tmp_path: Path) -> None:
    ran = {}
    for name in ("adjusted", "raw"):
        file = tmp_path / f"{name}.csv"
        around_the_split(name == "adjusted").to_csv(file, index=False)
        ran[name] = done(tmp_path / name, [file], *AAPL, "--set", "fast=5", "--set", "slow=10")
        assert ran[name].summary["bars"] == 61
        assert ran[name].summary["dead_letters"] == 0
    after = SPLIT + 2 * 86_400_000_000_000
    sides = {
        name: [s["target"] for s in one.events["trade_signals"] if SPLIT <= s["ts_event_ns"] <= after]
        for name, one in ran.items()
    }
    assert sides == {"adjusted": [], "raw": ["SHORT"]}, (
        "half the price looks like a fall, and is traded as one"
    )


def test_symbols_that_start_late_or_end_early_change_nothing_for_others(tmp_path: Path) -> None:
    frame = us5()
    ended = frame[(frame.Ticker != "AAPL") | (frame.Date < "2008")]
    ended.to_csv(tmp_path / "five.csv", index=False)
    frame[frame.Ticker == "IBM"].to_csv(tmp_path / "one.csv", index=False)
    five, one = (done(tmp_path / name, [tmp_path / f"{name}.csv"], *AAPL) for name in ("five", "one"))
    assert five.summary["symbols"] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    for topic in ("bars", "features", "trade_signals"):
        ibm = [event for event in five.events[topic] if event["symbol"] == "IBM"]
        assert _facts(ibm) == _facts(one.events[topic])
        assert len(ibm) > 500
    first = {s: next(e["ts_event_ns"] for e in five.fills if e["symbol"] == s) for s in ("FB", "IBM")}
    assert first["FB"] > pd.Timestamp("2012-05-18", tz="UTC").value > first["IBM"]
    last = five.events["portfolio_updates"][-1]["books"]
    aapl = next(book for book in last if book["symbol"] == "AAPL")
    assert aapl["quantity_nanos"] == held(five)["AAPL"] != 0, "what is held when prices end is still held"
    assert aapl["mark_price_nanos"] == 198_080_000_000, "and worth what it was worth last"


def _facts(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events without where they lie and without their ids, which say that too."""
    return [
        {k: v for k, v in event.items() if not k.startswith("cause_") and k not in ("id", "session", "seq")}
        for event in events
    ]


def test_a_bar_told_twice_counts_once(tmp_path: Path) -> None:
    bars = rows(ZIG)
    changed = (*bars[4][:2], 9, *bars[4][3:4], 9, 1e6)
    ran = run(tmp_path, [*bars[:5], bars[4], changed, *bars[5:]])
    assert ran.said("dead_letters", "reason") == ["overlapping_bar"] * 2, (
        "the first word counts; both others are kept"
    )
    assert [(ts - START) // MINUTE for ts, *_ in ran.trades] == [6, 10, 14]


def test_trades_at_one_time_are_all_counted(tmp_path: Path) -> None:
    ts = np.repeat(START + np.arange(4) * MINUTE, 3)
    frame = pd.DataFrame({"ts_event_ns": ts, "price": 10.0 + np.arange(12) % 3, "size": 1.0})
    frame.to_parquet(tmp_path / "SYN1.parquet")
    ran = done(tmp_path / "run", [tmp_path / "SYN1.parquet"], *TRADING, "--timeframe", "1m")
    assert [(bar["open"], bar["close"], bar["volume"]) for bar in ran.events["bars"]] == [
        (10.0, 12.0, 3.0)
    ] * 3


def test_sessions_follow_the_clock_of_the_exchange_through_a_dst_change(tmp_path: Path) -> None:
    lines = [
        (f"{day} {(570 + i) // 60:02d}:{(570 + i) % 60:02d}:00", *bar[1:])
        for day in ("2021-03-12", "2021-03-15")
        for i, bar in enumerate(rows(ZIG))
    ]
    ran = done(
        tmp_path / "run", [written(tmp_path / "SPY.csv", lines)], *TRADING, "--timezone", "America/New_York"
    )
    opened = [pd.Timestamp(bar["ts_event_ns"] - MINUTE).strftime("%d %H:%M") for bar in ran.events["bars"]]
    assert opened[0] == "12 14:30", "09:30 in New York in winter"
    assert opened[15] == "15 13:30", "and in summer"
    vwap = [feature["vwap"] for feature in ran.events["features"]]
    assert vwap[:15] == vwap[15:], "a session is a session"
    assert len(ran.trades) == 7


@pytest.mark.parametrize(
    ("day", "what"), [("2021-11-07", "happened twice"), ("2021-03-14", "was skipped by the clocks")]
)
def test_times_that_the_clocks_skip_or_repeat_are_not_guessed(tmp_path: Path, day: str, what: str) -> None:
    hour = 1 if day.startswith("2021-11") else 2
    lines = [(f"{day} {h:02d}:30:00", 10, 10, 10, 10, 5) for h in (0, hour, 3)]
    ran = backtested(
        tmp_path / "run", [written(tmp_path / "SPY.csv", lines)], *TRADING, "--timezone", "America/New_York"
    )
    assert ran.code == 3
    assert what in ran.err


SMALL = (
    "--set", "instruments.COIN.tick_size=0.00000001", "--set", "instruments.COIN.lot_size=1", "--cash", "1000",
)  # fmt: skip
LARGE = (
    "--set", "instruments.COIN.tick_size=0.01", "--set", "instruments.COIN.lot_size=0.00001",
    "--cash", "999999999",
)  # fmt: skip


@pytest.mark.parametrize(("scale", "volume", "more"), [(1e-8, 1e15, SMALL), (1e5, 1e9, LARGE)])
def test_tiny_and_huge_prices_are_exact(
    tmp_path: Path, scale: float, volume: float, more: tuple[str, ...]
) -> None:
    ran = run(tmp_path, rows([p * scale for p in ZIG], volume=volume), *more, symbol="COIN")
    assert len(ran.fills) == 3
    cash = int(more[-1]) * 10**9
    for fill in ran.fills:
        quantity, price = fill["last_quantity_nanos"], fill["last_price_nanos"]
        assert price == round(9 * scale * 1e9)
        value, rest = divmod(quantity * price, 10**9)
        assert rest == 0
        assert fill["fee_nanos"] == (value + 5000) // 10_000
        cash += (-value if fill["side"] == "BUY" else value) - fill["fee_nanos"]
    assert Decimal(ran.summary["final_cash"]) * 10**9 == cash


def test_more_than_a_record_can_hold_is_denied_by_name(tmp_path: Path) -> None:
    more = (*SMALL[:-2], "--cash", "100000")
    ran = run(tmp_path, rows([p * 1e-8 for p in ZIG], volume=1e15), *more, symbol="COIN")
    assert ran.said("risk_decisions", "reason") == ["largest_quantity"] * 3
    assert ran.summary["final_equity"] == "100000"


def test_ruin_denies_entries_and_ends_well(tmp_path: Path) -> None:
    closes = (10, 10, 10, 11, 10, 9, 8, 7, 30, 100, 200, 100, 50, 20, 10, 9, 8, 7, 8, 10, 15)
    ran = run(tmp_path, rows(closes), "--set", "sizing.fixed_fractional.notional_fraction=1")
    assert [(units, price) for _, units, price, _ in ran.trades] == [(-11_111, 9.0), (11_111, 30.0)]
    assert ran.summary["final_equity"] == ran.summary["final_cash"] == "-133374.3329"
    verdicts = [(d["verdict"], d["reason"]) for d in ran.events["risk_decisions"]]
    assert verdicts[2:] == [("NOTHING_TO_DO", "size rounds to zero")] * 2, (
        "nothing is owned, so nothing is bought"
    )


class _Raises(msgspec.Struct, frozen=True):
    """Counts bars and raises at one of them."""

    at: int = 9000

    def init(self) -> list[int]:
        return [0]

    def step(self, state: list[int], rows: strategies.BarRows) -> list[strategies.Intent]:
        state[0] += len(rows.bars)
        if state[0] >= self.at:
            raise ZeroDivisionError("division by zero")
        return []


def test_a_strategy_that_raises_is_named_and_what_was_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(strategies.STRATEGIES, "raises", _Raises)
    file = written(tmp_path / "SYN1.csv", rows(ZIG * 800))
    ran = backtested(tmp_path / "run", [file], *TRADING, "--strategy", "raises")
    assert ran.code == 3
    last = ran.err.splitlines()[-1]
    assert last.startswith("titan: strategy raises raised ZeroDivisionError: division by zero")
    assert "SYN1" in last
    assert "Traceback" not in ran.err
    assert 0 < ran.summary["bars"] < 9000
    assert ran.summary["fills"] == len(ran.fills) > 1000
    assert sum(1 for _ in ran.events["bars"]) == ran.summary["bars"]
