"""What do `titan report` and `titan report compare` print, of whose account, and what do they write?"""

import re
from pathlib import Path

import pytest

from operators.instruments import NANOS
from tests.unit.cli.conftest import Titan
from tests.unit.report.test_compare import a_log, traded

DOCS = Path(__file__).parents[3] / "docs/cli.md"


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """Two runs in folders, which differ in one parameter and one price."""
    for name, price, fast in (("fast", 102.0, 10), ("slow", 99.0, 20)):
        (tmp_path / name).mkdir()
        a_log(tmp_path / name / "titan.db", traded(price), fast).close()
    return "fast", "slow"


def test_every_metric_is_documented_by_its_name(titan: Titan, runs: tuple[str, str]) -> None:
    said = titan("report", "--log", runs[0], "--json").json
    assert isinstance(said, dict)
    text = DOCS.read_text(encoding="utf-8")
    section = text[text.index("#### Performance") :]
    names = set(re.findall(r"`(\w+)`", section[: section.index("\n### ")]))
    assert said["performance"]["metrics"].keys() <= names
    assert said["performance"].keys() - {"metrics"} <= names
    assert said["performance"]["metrics"]["net_nanos"] == 198 * NANOS
    assert said["source"]["settings_digest"] == "digest10"


def test_two_runs_beside_each_other(titan: Titan, runs: tuple[str, str]) -> None:
    ended = titan("report", "compare", *runs)
    assert ended.code == 0 and ended.err == ""
    rows = [re.split(r"\s{2,}", line) for line in ended.out.splitlines()]
    assert ["net", "198.00", "-102.00", "-300.00"] in rows
    assert ["signals", "1", "1", "0"] in rows
    assert ["strategies.sma.params.fast", "10", "20"] in [[cell for cell in row if cell] for row in rows]


def test_a_comparison_as_json_and_as_a_file(titan: Titan, runs: tuple[str, str]) -> None:
    said = titan("report", "compare", *runs, "--json").json
    assert isinstance(said, dict)
    assert said["a"]["name"] == "fast" and said["b"]["name"] == "slow" and "paths" not in said
    assert said["settings"] == [{"key": "strategies.sma.params.fast", "a": 10, "b": 20}]
    ended = titan("report", "compare", *runs, "--out", "both.html")
    assert ended.out == "both.html\n"
    assert "<html" in Path("both.html").read_text(encoding="utf-8")[:500]


def test_the_account_that_the_log_knows_is_meant_unless_another_is_named(
    titan: Titan, tmp_path: Path
) -> None:
    run = traded(102.0)
    a_log(tmp_path / "t.db", run, None).close()
    assert titan("report", "--log", "t.db", "--account", "other", "--json").json["portfolio"] is None  # type: ignore[index]
    assert titan("report", "--log", "t.db", "--json").json["portfolio"] is not None  # type: ignore[index]


@pytest.mark.parametrize("arguments", [["fast"], ["fast", "slow", "third"], []])
def test_a_comparison_is_of_two(titan: Titan, runs: tuple[str, str], arguments: list[str]) -> None:
    assert titan("report", "compare", *arguments).code == 2


def test_a_run_that_is_not_there_is_named(titan: Titan, runs: tuple[str, str]) -> None:
    ended = titan("report", "compare", "fast", "sqlite:///nowhere.db")
    assert ended.code == 4 and "nowhere.db" in ended.err
    assert titan("report", "compare", "fast", "nowhere").code == 2
