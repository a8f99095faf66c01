"""Is a backtest the live system run fast? Kept or not, over files or over its own log, twice: the same to the byte."""

from pathlib import Path

import msgspec
import pytest

from flows import stop
from flows.amounts import decimal_of
from flows.backtest import Backtest, BacktestSummary, backtest
from flows.backtest_results import BacktestResults
from flows.backtest_settings import Asked, backtest_settings
from flows.config import ConfigError, Settings, load_settings
from flows.connectors.history import LogHistory, SessionHistory
from flows.connectors.input_errors import InputError
from flows.connectors.latest import latest_portfolio
from flows.connectors.log import Log
from flows.connectors.partitioner import partition_of
from flows.connectors.recorded import RecordedSettings, open_sources
from flows.digests import Digests
from flows.lanes import DERIVED
from flows.recorded_commands import TimedCommand
from flows.replay_settings import replay_settings
from flows.run import run
from flows.run_settings import recorded_given
from flows.runtime import open_configured_log
from flows.verify import verify
from operators.strategies import STRATEGIES, BarRows, Intent
from schemas.account import RiskCommand

ROOT = Path(__file__).parents[2]
ES = str(ROOT / "infra/demo/es_trades.parquet")
DAILY = str(ROOT / "infra/demo/us5_daily.csv.gz")


def over(*files: str) -> SessionHistory:
    return SessionHistory(open_sources(files, RecordedSettings()))


def ran(settings: Settings, history: SessionHistory | LogHistory, log: Log | None = None) -> BacktestSummary:
    return backtest(settings, history, log, lambda *_: None)


def digests_of(log: Log) -> dict[str, object]:
    """The digests of what a log holds."""
    found = Digests()
    for topic in DERIVED:
        for partition, (first, end) in enumerate(log.spans(topic)):
            with log.reader({(topic, partition): first}) as reader:
                while not reader.at_end({(topic, partition): end}):
                    for record in reader.poll(2000, 1.0):
                        assert found.record(topic, record.value or b"")
    return dict(found.results())


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        (ES, Asked(timeframe="1m")),
        (DAILY, Asked(strategies=("sma_crossover",), sets=("fast=5", "slow=15"), slippage="none")),
    ],
    ids=["trades", "bars"],
)
def test_kept_or_not_over_files_or_its_own_log_and_run_again_live(
    tmp_path: Path, file: str, asked: Asked
) -> None:
    history = over(file)
    settings = backtest_settings(
        None, {"TITAN_LOG": f"sqlite:///{tmp_path}/a.db"}, asked, history.interval_ns
    )
    first = ran(settings, history)
    assert min(first.bars, first.signals, first.fills) > 50
    with open_configured_log(settings) as kept:
        assert ran(settings, over(file), kept).topics == first.topics
        assert digests_of(kept) == first.topics
        last = latest_portfolio(kept, "paper")
        assert last is not None
        assert decimal_of(last.equity_nanos) == first.final_equity, "the log says how it ended"
        again = backtest_settings(None, {}, Asked(), 0, recorded_given(kept))
        assert ran(again, LogHistory(kept)).topics == first.topics
        replayed = load_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/b.db"}, recorded_given(kept))[0]
        with open_configured_log(replayed) as live:
            copy(kept, live, "market_data")
            run(replayed, to_end=True)
            assert digests_of(live) == first.topics


def test_a_command_after_the_last_promise_is_taken_by_force_and_the_journal_says_so(tmp_path: Path) -> None:
    history = over(DAILY)
    asked = Asked(strategies=("sma_crossover",))
    environ = {"TITAN_LOG": f"sqlite:///{tmp_path}/a.db"}
    settings = backtest_settings(None, environ, asked, history.interval_ns)
    command = RiskCommand("test:0", "paper", "PAUSE", 1, "test", "a test")
    with open_configured_log(settings) as kept:
        results = BacktestResults(settings, kept)
        Backtest(settings, history, results, [TimedCommand(2**62, command)] * 2).run(lambda *_: None)
        results.close()
        verdict = verify(kept, replay_settings(kept, None, {}), None, lambda _: None)
    assert verdict.equal, [one.first for one in verdict.topics if one.first]


def copy(source: Log, target: Log, topic: str) -> None:
    """Copy a topic, record by record."""
    spans = source.spans(topic)
    stops = {(topic, p): end for p, (_, end) in enumerate(spans)}
    with source.reader(dict.fromkeys(stops, 0)) as reader, target.writer() as writer:
        while not reader.at_end(stops):
            for record in reader.poll(2000, 1.0):
                writer.append(topic, record.key, record.value, record.timestamp_ms)


def test_a_copy_that_would_have_other_offsets_is_not_kept(tmp_path: Path) -> None:
    """Garbage in the key's place goes along; a record in another partition than its key's does not."""
    settings = load_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/a.db"}, [])[0]
    other = load_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/b.db"}, [])[0]
    with open_configured_log(settings) as log, open_configured_log(other) as kept:
        with log.writer() as writer:
            writer.append("market_data", b"\xff\xfe garbage", b"no block", 1)
        assert ran(settings, LogHistory(log), kept).dead_letters == 1
    again = load_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/c.db"}, [])[0]
    with open_configured_log(settings) as log, open_configured_log(again) as kept:
        with log.writer() as writer:
            home = partition_of(b"ES", 4)
            writer.append("market_data", b"ES", b"no block", 1, partition=(home + 1) % 4)
        with pytest.raises(InputError, match="Leave out --out"):
            ran(settings, LogHistory(log), kept)
        assert ran(settings, LogHistory(log)).dead_letters == 2


def test_one_that_is_stopped_leaves_a_valid_part(tmp_path: Path) -> None:
    """Its bars are the first of the whole run's, and its own log says what its summary says."""
    history = over(ES)
    settings = backtest_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/a.db"}, Asked(timeframe="1m"), 0)
    stop.install()

    def stop_after(bars: int, _reached_ns: int) -> None:
        if bars > 500:
            stop.ask()

    try:
        with open_configured_log(settings) as kept:
            part = backtest(settings, history, kept, stop_after)
            assert part.stopped
            assert 500 < part.bars < 1500
            assert digests_of(kept) == part.topics
    finally:
        stop.install()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Asked(strategies=("sma_cross",)), "there is no such strategy: did you mean sma_crossover"),
        (
            Asked(sets=("window=9", "speed=3")),
            "no strategy here has a parameter speed: .*sma_crossover has fast",
        ),
        (Asked(sets=("stop_atr=9",)), "sma_crossover and rsi_reversion have a parameter stop_atr"),
        (Asked(strategies=("sma_crossover",), sets=("fast=90",)), "fast is 90 and slow is 50"),
    ],
)
def test_what_is_not_allowed(given: Asked, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        backtest_settings(None, {}, given, 0)


def test_words_of_its_own_become_settings() -> None:
    asked = Asked(("sma_crossover",), ("fast=7", "account.day_offset=1h"), "5m", "5000", "2.5", "none")
    found = backtest_settings(None, {}, asked, 60_000_000_000)
    assert [name for name, strategy in found.strategies.items() if strategy.enabled] == ["sma_crossover"]
    assert found.strategies["sma_crossover"].params["fast"] == 7
    assert (found.symbol_leg.timeframes, found.account.cash, found.account.day_offset) == (
        ["5m"],
        "5000",
        "1h",
    )
    assert (found.venue.maker_bps, found.venue.taker_bps, found.venue.slippage) == (2.5, 2.5, "none")
    assert (found.venue.latency, found.account.report_interval) == ("0s", "1h")


def test_bars_of_the_files_own_length_and_a_latency_that_was_set() -> None:
    found = backtest_settings(None, {}, Asked(sets=("venue.latency=1s",)), 86_400_000_000_000)
    assert (found.symbol_leg.timeframes, found.venue.latency) == (["1d"], "1s")
    assert backtest_settings(None, {}, Asked(), 0).venue.latency == "50ms"


class Failing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Works for 600 bars, then divides by nothing."""

    def init(self) -> list[int]:
        return [0]

    def step(self, state: list[int], rows: BarRows) -> list[Intent]:
        state[0] += len(rows.bars)
        return [] if state[0] < 600 else [Intent(1 // 0, "LONG", 1.0, 0.5, 0.0, "", {})]


def test_a_strategy_that_raises_ends_the_run_and_leaves_a_valid_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRATEGIES, "failing", Failing)
    asked = Asked(("sma_crossover", "failing"), timeframe="1m")
    settings = backtest_settings(None, {"TITAN_LOG": f"sqlite:///{tmp_path}/a.db"}, asked, 0)
    with open_configured_log(settings) as kept:
        found = ran(settings, over(ES), kept)
        assert "strategy failing raised ZeroDivisionError" in found.fault
        assert "bars of ES from 1378" in found.fault
        assert 400 < found.bars < 600
        assert found.fills > 0
        assert digests_of(kept) == found.topics
