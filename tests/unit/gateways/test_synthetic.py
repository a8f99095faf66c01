"""Made-up markets have the properties that they are made for."""

import numpy as np
import pytest

from flows.connectors.gateway import SECOND, CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.synthetic import benchmark_settings, open_synthetic
from flows.connectors.synthetic_settings import FaultRates, SyntheticSettings
from schemas.blocks import QUOTES, TRADES
from schemas.market import TradeBlock
from tests.unit.gateways.sessions import gaps, is_sound, keeps_promises, rows, text

COARSE = CutSettings(cut_ns=60 * SECOND, max_rows=100_000)


def test_the_seed_decides_everything() -> None:
    def made(**given) -> list:
        return text(open_synthetic(SyntheticSettings(duration_s=5.0, **given)))

    assert made() == made() != made(seed=2)


def test_rate_duration_and_names() -> None:
    said = list(open_synthetic(SyntheticSettings(symbols=12, rate_per_s=20.0, duration_s=200.0), COARSE))
    is_sound(said)
    found = rows(said)
    assert {symbol for symbol, _ in found} == {f"SYN{i:03d}" for i in range(12)}
    for i in range(12):
        ts, delay, ids, side, price, size = found[f"SYN{i:03d}", TRADES]
        assert abs(len(ts) - 4000) < 400
        assert (np.diff(ids) == 1).all() and ids[0] == 1
        assert ts[0] >= 1_700_000_000 * SECOND and ts[-1] < 1_700_000_200 * SECOND
        assert set(side.tolist()) == {-1, 1} and (price > 0).all() and (size >= 1).all() and (delay > 0).all()
        ticks = price / 0.01
        assert np.abs(ticks - np.rint(ticks)).max() < 1e-6
        _, _, _, bid, _, ask, _ = found[f"SYN{i:03d}", QUOTES]
        assert (ask > bid).all()


def test_pairs_are_cointegrated_and_others_are_not() -> None:
    settings = SyntheticSettings(
        symbols=4, pairs=1, rate_per_s=2.0, duration_s=4000.0, quotes=False, volatility=5e-4
    )
    found = rows(open_synthetic(settings, COARSE))
    grid = settings.start_ns + np.arange(60, 4000, 10) * SECOND
    logs = []
    for i in range(4):
        ts, _, _, _, price, _ = found[f"SYN{i:03d}", TRADES]
        logs.append(np.log(price[np.searchsorted(ts, grid) - 1]))
    paired, free = logs[1] - logs[0], logs[3] - logs[2]
    assert paired.std() < 0.1 * free.std()
    lagged = np.corrcoef(paired[:-1], np.diff(paired))[0, 1]
    assert lagged < -0.2, "the spread reverts"


def test_regimes_and_jumps_show_in_the_returns() -> None:
    calm = SyntheticSettings(
        symbols=1, pairs=0, rate_per_s=1.0, duration_s=6000.0, to_wild_per_s=0.0, jumps_per_s=0.0
    )
    wild = SyntheticSettings(
        symbols=1, pairs=0, rate_per_s=1.0, duration_s=6000.0, to_wild_per_s=0.005, jumps_per_s=0.01
    )

    def kurtosis(settings) -> float:
        ts, *_, price, _ = rows(open_synthetic(settings, COARSE))["SYN000", TRADES]
        at = np.searchsorted(ts, settings.start_ns + np.arange(60, 6000, 30) * SECOND) - 1
        moves = np.diff(np.log(price[at]))
        return float(((moves - moves.mean()) ** 4).mean() / moves.var() ** 2)

    assert kurtosis(calm) < 4.0 < 6.0 < kurtosis(wild)


def test_benchmark_blocks_have_the_same_count() -> None:
    cut = CutSettings()
    said = list(open_synthetic(benchmark_settings(500, 10, cut, duration_s=3.0), cut))
    blocks = [b for s in said for b in s.blocks if type(b) is TradeBlock]
    assert len(blocks) == 500 * 12 and {len(b.price) for b in blocks} == {10}
    assert keeps_promises(said) == 0
    with pytest.raises(ValueError, match="not a multiple"):
        benchmark_settings(1, 7, cut)


def test_faults_come_at_their_rates() -> None:
    rates = FaultRates(gaps=0.05, duplicates=0.02, out_of_order=0.03, bad_prints=0.04, crossed_quotes=0.05)
    settings = SyntheticSettings(symbols=3, rate_per_s=40.0, duration_s=200.0, faults=rates)
    said = list(open_synthetic(settings))
    is_sound(said)
    found = rows(said)
    ids = np.concatenate([found[f"SYN00{i}", TRADES][2] for i in range(3)])
    price = np.concatenate([found[f"SYN00{i}", TRADES][4] for i in range(3)])
    quotes = [np.concatenate([found[f"SYN00{i}", QUOTES][c] for i in range(3)]) for c in (3, 5)]
    lost = sum(last - first + 1 for _, _, _, first, last, _ in gaps(said))
    made = sum(found[f"SYN00{i}", TRADES][2].max() for i in range(3))
    unique = sum(len(np.unique(found[f"SYN00{i}", TRADES][2])) for i in range(3))
    assert unique + lost == made, "what is missing was declared"
    assert 15 < len(gaps(said)) < 50 and {g[-1] for g in gaps(said)} == {"injected"}
    assert 0.015 < len(ids) / unique - 1 < 0.025
    assert 0.03 < (np.isnan(price) | (np.nan_to_num(price) < 55)).mean() < 0.05
    assert 0.04 < (quotes[0] > quotes[1]).mean() < 0.06
    assert keeps_promises(said) > 100


def test_contradicting_settings() -> None:
    with pytest.raises(InputError, match="pairs = 3 need 6 symbols, and there are 4"):
        open_synthetic(SyntheticSettings(pairs=3))
    with pytest.raises(ValueError, match="cut_ns = 0"):
        CutSettings(cut_ns=0)
