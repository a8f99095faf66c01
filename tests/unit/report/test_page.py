"""Does a log become a page that loads nothing, says everything and survives what is missing?"""

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flows.connectors.log import Log, TopicSpec, open_log
from schemas.topics import TOPICS
from tests.unit.report.runs import ALERT, DEAD, START, TinyRun, decision, write, write_bars
from ui.report import Known, Report, numbers, read_report, write_report

KNOWN = Known(written_ns=START + 3 * 86_400 * 10**9, currency="USD")


class Parts(HTMLParser):
    """Elements of a page with their attributes, and the text of its scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.words: list[str] = []
        self._script: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = (
            dict(attrs).get("id") or "code" if tag == "script" else "style" if tag == "style" else None
        )

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._script = None


@pytest.fixture
def log(tmp_path: Path) -> Log:
    opened = open_log(f"sqlite:///{tmp_path}/t.db")
    opened.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
    return opened


def traded(strategy: str = "sma", symbol: str = "ES", reason: str = "crossed") -> TinyRun:
    run = TinyRun()
    run.order(61, "o1", strategy, symbol, reason)
    run.fill(62, "o1", (strategy, symbol), 2, 100.0, 1.0)
    run.mark(120, symbol, 101.0)
    run.order(121, "o2", strategy, symbol, "back")
    run.fill(122, "o2", (strategy, symbol), -1, 102.0, 1.0)
    run.mark(180, symbol, 99.0)
    return run


def page(log: Log, tmp_path: Path) -> tuple[Parts, Report]:
    path = tmp_path / "deep" / "report.html"
    report = write_report(log, "paper", path, "A run", KNOWN)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return Parts(path.read_text(encoding="utf-8")), report


def fill_log(log: Log, run: TinyRun) -> None:
    write(log, [*run.events, decision("o9", "sma", "ES", START, denied=True), DEAD, ALERT])
    write_bars(log, "ES", [100.0, 101.0, 102.0, 99.0])
    write_bars(log, "SPY", [50.0, 51.0])


def test_nothing_is_loaded(log: Log, tmp_path: Path) -> None:
    fill_log(log, traded())
    parts, _ = page(log, tmp_path)
    for tag, attributes in parts.elements:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base"), tag
        assert not {"src", "href", "srcset", "action", "background", "poster"} & attributes.keys(), (
            tag,
            attributes,
        )
    assert not re.search(r"@import|url\(|https?:", parts.scripts["style"])
    assert not re.search(r"https?:|\bfetch\(|XMLHttpRequest|import\(", parts.scripts["code"])
    (policy,) = [a["content"] for _, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and policy.startswith("default-src 'none';") and "http" not in policy


def test_the_library_travels_once_and_whole(log: Log, tmp_path: Path) -> None:
    from plotly.offline import get_plotlyjs

    fill_log(log, traded())
    parts, _ = page(log, tmp_path)
    assert zlib.decompress(base64.b64decode(parts.scripts["plotly"])).decode() == get_plotlyjs()
    assert (tmp_path / "deep" / "report.html").stat().st_size < 4_000_000


def test_figures_hold_candles_markers_regimes_and_the_curve(log: Log, tmp_path: Path) -> None:
    fill_log(log, traded())
    parts, report = page(log, tmp_path)
    figures = json.loads(parts.scripts["figures"])
    assert [chart.symbol for chart in report.charts] == ["ES", "SPY"]
    assert set(figures) == {"symbol-0", "symbol-1", "equity"}
    kinds = {trace["type"] for trace in figures["symbol-0"]["data"]}
    assert kinds == {"candlestick", "bar", "heatmap", "scatter"}
    (markers,) = [trace for trace in figures["symbol-0"]["data"] if trace.get("mode") == "markers"]
    assert markers["marker"]["symbol"] == ["triangle-up", "triangle-down"]
    for words in ("BUY 2 ES at 100", "sma opens", "crossed", "sma 1.5", "fee 1.00"):
        assert words in markers["hovertext"][0]
    assert {trace["type"] for trace in figures["symbol-1"]["data"]} == {"candlestick", "bar", "heatmap"}
    assert {"yaxis", "yaxis2", "yaxis3"} <= figures["equity"]["layout"].keys()


def test_tables_say_what_the_charts_show(log: Log, tmp_path: Path) -> None:
    fill_log(log, traded())
    parts, _ = page(log, tmp_path)
    text = " ".join(parts.words)
    for words in (
        "PAPER", "ACTIVE", "trades = ledger", "data ended 2 d 23 h before", "+98.50", "crossed", "Open positions",
        "✗ position_limit 2.5 / 2", "order_rate 1 / 120", "late", "WARNING exit_denied", "titan report --log",
        "Equity by period", "Prices",
    ):  # fmt: skip
        assert words in text, words
    charts = [attributes for _, attributes in parts.elements if attributes.get("role") == "img"]
    assert len(charts) == 3 and all(attributes["aria-label"] for attributes in charts)


def test_names_from_the_log_are_not_markup(log: Log, tmp_path: Path) -> None:
    evil = "</script><b onclick='x'>"
    write(log, traded(strategy=evil, reason=evil).events)
    parts, report = page(log, tmp_path)
    assert not [attributes for _, attributes in parts.elements if "onclick" in attributes]
    assert report.trades[0].strategy == evil
    assert evil in " ".join(parts.words)
    (markers,) = [
        t for t in json.loads(parts.scripts["figures"])["symbol-0"]["data"] if t.get("mode") == "markers"
    ]
    assert "<b onclick" not in markers["hovertext"][0]


@pytest.mark.parametrize("topics", [[], ["bars"], list(TOPICS)], ids=["no topics", "one topic", "all topics"])
def test_an_empty_log(tmp_path: Path, topics: list[str]) -> None:
    with open_log(f"sqlite:///{tmp_path}/e.db") as empty:
        empty.apply([TopicSpec(name, 1) for name in topics])
        parts, report = page(empty, tmp_path)
    text = " ".join(parts.words)
    assert report.portfolio is None and report.charts == []
    for words in (
        "no events yet",
        "the account leg has not run",
        "no bars",
        "No strategy has",
        "No trade has been",
    ):
        assert words in text
    assert parts.scripts.get("plotly", "") == ""


def test_bars_without_a_portfolio_and_a_portfolio_without_bars(log: Log, tmp_path: Path) -> None:
    write_bars(log, "ES", [1.0, 2.0])
    parts, report = page(log, tmp_path)
    assert report.portfolio is None and report.charts[0].price_change == 1.0
    assert set(json.loads(parts.scripts["figures"])) == {"symbol-0"}
    with open_log(f"sqlite:///{tmp_path}/p.db") as other:
        other.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
        write(other, traded().events)
        parts, report = page(other, tmp_path)
    assert report.charts[0].candles == [] and len(report.trades) == 1
    assert set(json.loads(parts.scripts["figures"])) == {"symbol-0", "equity"}


def test_repeated_revised_foreign_and_broken_records(log: Log) -> None:
    run = traded()
    write(log, run.events + run.events)
    write_bars(log, "ES", [100.0, 101.0])
    write_bars(log, "ES", [100.0, 105.0], revision=1)
    with log.writer() as writer:
        writer.append("risk_decisions", b"paper", b"\x00\x00", 1)
    report = read_report(log, "paper", "t", KNOWN)
    assert report.reconciliation.holds and report.totals.fills == 2
    assert report.charts[0].candles[0].close == [100.0, 105.0]
    assert report.source.unreadable == {"risk_decisions": 1}
    assert read_report(log, "other", "t", KNOWN).portfolio is None


def test_the_same_log_gives_the_same_page(log: Log, tmp_path: Path) -> None:
    fill_log(log, traded())
    paths = [tmp_path / "a.html", tmp_path / "b.html"]
    for path in paths:
        write_report(log, "paper", path, "A run", KNOWN)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_numbers_leave_out_what_is_only_drawn(log: Log) -> None:
    fill_log(log, traded())
    plain = numbers(read_report(log, "paper", "t", KNOWN))
    assert "curve" not in plain and "charts" not in plain
    assert plain["portfolio"]["net_nanos"] == plain["strategies"][0]["net_nanos"]
    assert plain["trades"][0]["return"] == pytest.approx((100 - 1.5) / 5000)


def test_many_symbols_are_drawn_lightly(log: Log, tmp_path: Path) -> None:
    for i in range(15):
        write_bars(log, f"SYN{i:02d}", [float(x) for x in range(1, 1500)])
    parts, report = page(log, tmp_path)
    assert (len(report.charts), report.symbols_left_out) == (12, ["SYN12", "SYN13", "SYN14"])
    assert max(len(candles.start_ns) for chart in report.charts for candles in chart.candles) <= 1000
    assert "SYN14" in " ".join(parts.words)
