"""Does `titan check lookahead` say what it found, to people and machines, and end with the right code?"""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Titan
from tests.unit.gateways.sessions import DEMO

SPY = str(DEMO / "spy_1m.csv")
QUICK = ("--input", SPY, "--times", "20", "--bars", "600")

CHEAT = """
import msgspec
import numpy as np
from operators.bar_columns import CLOSE
from operators.strategies import Intent


class Peeks(msgspec.Struct, frozen=True):
    ahead: int = 2

    def init(self):
        return None

    def step(self, state, rows):
        close = rows.bars[:, CLOSE]
        later = np.roll(close, -self.ahead)
        return [Intent(int(i), "LONG", 1.0, 0.5, 0.0, "up", {}) for i in np.flatnonzero(later > 1.0005 * close)]


class Broken(Peeks, frozen=True):
    def step(self, state, rows):
        return {}["nothing"]


class Silent(Peeks, frozen=True):
    def step(self, state, rows):
        return []
"""


@pytest.fixture
def cheat(tmp_path: Path) -> str:
    """A file with a strategy that nobody registered."""
    path = tmp_path / "mine.py"
    path.write_text(CHEAT, encoding="utf-8")
    return str(path)


def test_an_honest_strategy_passes(titan: Titan) -> None:
    ended = titan("check", "lookahead", "sma_crossover", "--set", "fast=3", "--set", "slow=8", *QUICK)
    assert ended.code == 0, ended.err
    assert "fast=3  slow=8" in ended.out
    assert "no look-ahead found" in ended.out
    assert "FAIL" not in ended.out


def test_a_cheat_in_a_file_of_ones_own_is_named(titan: Titan, cheat: str) -> None:
    ended = titan("check", "lookahead", f"{cheat}:Peeks", "--set", "ahead=3", *QUICK)
    assert ended.code == 5
    assert "FOUND  what it says depends on `close` of the bar 3 ahead" in ended.out
    assert "mine.py:16  later = np.roll(close, -self.ahead)" in ended.out
    assert "checks: one bar at a time, future cut off" in ended.err


def test_machines_read_the_same(titan: Titan, cheat: str) -> None:
    ended = titan("check", "lookahead", f"{cheat}:Peeks", "--json", *QUICK)
    report = ended.json
    assert isinstance(report, dict)
    assert ended.code == 5
    assert report["passed"] is False
    assert report["parameters"] == {"ahead": 2}
    (found,) = report["findings"]
    assert (found["column"], found["bars_ahead"], found["culprit"]["line"]) == ("close", 2, 16)
    assert [row["symbol"] for row in report["materials"]] == ["SPY"]


def test_a_strategy_that_says_nothing_was_not_checked(titan: Titan, cheat: str) -> None:
    ended = titan("check", "lookahead", f"{cheat}:Silent", *QUICK)
    assert ended.code == 5
    assert "said nothing over 600 bars, so nothing was checked" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sma_crossovr",), 2, "did you mean sma_crossover?"),
        (("nothing_like_it",), 2, "there are sma_crossover"),
        (("mine.py",), 2, "name its class, too, as mine.py:Class"),
        (("sma_crossover", "--set", "fats=3"), 2, "did you mean sma_crossover.fast?"),
        (("sma_crossover", "--set", "fast=x"), 2, "write a whole number"),
        (("sma_crossover", "--set", "fast"), 2, "write KEY=VALUE"),
        (("sma_crossover", "--set", "fast=80"), 2, "they must satisfy 2 <= fast < slow"),
        (("sma_crossover", "--timeframe", "fast"), 2, "--timeframe: 'fast' is not a duration"),
        (("sma_crossover", "--input", SPY, "--timeframe", "7s"), 3, "no two bars of 7s"),
        (("sma_crossover", "--input", "missing.csv"), 3, "missing.csv"),
        (("missing.py:Mine",), 3, "there is no file missing.py"),
        (("operators.strategies:Nothing",), 3, "has no class 'Nothing'"),
        (("operators.strategies:BarRows",), 3, "is no strategy: it has no init and no step()"),
        (("no.such.module:Mine",), 3, "cannot import no.such.module"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(
    titan: Titan, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = titan("check", "lookahead", *arguments)
    assert ended.code == code, ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_a_configured_strategy_is_checked_with_its_parameters(titan: Titan) -> None:
    given = (
        "--set",
        "strategies.mine.kind=sma_crossover",
        "--set",
        "strategies.mine.params.slow=30",
        "--set",
        "fast=4",
    )
    ended = titan("check", "lookahead", "mine", *given, *QUICK)
    assert ended.code == 0, ended.err
    assert "mine  fast=4  slow=30" in ended.out


def test_a_start_needs_bars_and_a_strategy_that_runs(titan: Titan, cheat: str) -> None:
    few = titan("check", "warmup", "sma_crossover", SPY, "--bars", "100")
    assert (few.code, "no symbol has 200 bars" in few.err) == (3, True)
    broken = titan("check", "warmup", f"{cheat}:Broken", SPY)
    assert (broken.code, "raises KeyError: 'nothing'" in broken.err) == (3, True)


def test_a_file_that_cannot_be_imported_is_named(titan: Titan, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    ended = titan("check", "lookahead", f"{tmp_path}/broken.py:Mine")
    assert ended.code == 3
    assert "cannot be imported: ModuleNotFoundError" in ended.err


def test_how_long_values_depend_on_their_beginning(titan: Titan) -> None:
    ended = titan("check", "warmup", "sma_crossover", "--json", "--set", "slow=30", SPY)
    assert ended.code == 0, ended.err
    report = ended.json
    assert isinstance(report, dict)
    features = {row["name"]: row for row in report["features"]}
    assert (features["sma_20"]["bars"], features["sma_20"]["declared"], features["sma_20"]["left"]) == (
        19,
        20,
        0.0,
    )
    assert 100 < features["ema_20"]["bars"] < 250
    assert 0.0 < features["ema_20"]["left"] < 1e-3
    assert report["signals"]["bars"] <= 31
    assert "ema_20" in titan("check", "warmup", "rsi_reversion", SPY).out
