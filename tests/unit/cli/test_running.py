"""From a file to a portfolio, by the command alone: ingest, run, demo, and what they say when they cannot."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import MINUTES, Titan

FAST = ["--set", "strategies.sma_crossover.params.fast=3", "--set", "strategies.sma_crossover.params.slow=8"]


def ingest(titan: Titan, file: str, log: str, symbol: str = "ES") -> dict[str, object]:
    ended = titan("ingest", file, "--format", "ohlcv", "--symbol", symbol, "--log", log, "--json")
    assert ended.code == 0, ended.err
    assert isinstance(ended.json, dict)
    return ended.json


def test_ingest_writes_once(titan: Titan, bars: str, url: str) -> None:
    first = ingest(titan, bars, url)
    assert (first["rows"], first["symbols"], first["skipped_already_present"]) == (MINUTES, ["ES"], 0)
    again = ingest(titan, bars, url)
    assert (again["rows"], again["blocks"], again["skipped_already_present"]) == (0, 0, MINUTES)


def test_ingest_warns_of_a_symbol_that_no_instrument_is_known_for(titan: Titan, bars: str, url: str) -> None:
    ended = titan("ingest", bars, "--format", "ohlcv", "--symbol", "N.W", "--log", url)
    assert ended.code == 0
    assert """--set 'instruments."N.W".tick_size=0.01'""" in ended.err
    assert "rows" in ended.out


def test_a_defined_symbol_needs_no_warning(titan: Titan, bars: str, url: str) -> None:
    define = ["--set", "instruments.NEW.tick_size=0.01", "--set", "instruments.NEW.lot_size=1"]
    ended = titan("ingest", bars, "--format", "ohlcv", "--symbol", "NEW", "--log", url, *define)
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "missing column"),
        (None, "no such file"),
        (b"\x7fELF\x02\x01\x00\x1b[2J", "row 1 is not text"),
        ("time,open,high,low,close,volume\n".encode("utf-16"), "row 1 is not text"),
    ],
)
def test_ingest_of_what_cannot_be_read(titan: Titan, url: str, content: bytes | None, says: str) -> None:
    if content is not None:
        Path("bad.csv").write_bytes(content)
    ended = titan("ingest", "bad.csv", "--format", "ohlcv", "--symbol", "ES", "--log", url)
    assert ended.code == 3
    assert says in ended.err
    assert (ended.out, "Traceback" in ended.err) == ("", False)


def test_run_to_the_end_and_look_at_it(titan: Titan, bars: str, url: str) -> None:
    ingest(titan, bars, url)
    ended = titan("run", "--to-end", "--json", "--log", url, *FAST)
    assert ended.code == 0, ended.err
    done = ended.json
    assert isinstance(done, dict)
    assert done["signals"] > 0
    assert done["fills"] > 0
    events = titan(
        "topics", "tail", "trade_signals", "--from", "earliest", "--to-end", "--json", "--log", url
    ).lines
    assert len(events) == done["signals"]
    assert len({event["id"] for event in events}) == len(events)
    found = titan("status", "--json", "--log", url).json
    assert isinstance(found, dict)
    assert found["portfolios"][0]["equity_nanos"] == done["equity_nanos"]
    assert found["recovery"]["exists"] is True
    again = titan("run", "--to-end", "--json", "--log", url, *FAST).json
    assert isinstance(again, dict)
    assert (again["signals"], again["equity_nanos"]) == (0, done["equity_nanos"])


def test_run_with_other_settings_on_the_same_log_is_refused(titan: Titan, bars: str, url: str) -> None:
    ingest(titan, bars, url)
    assert titan("run", "--to-end", "--log", url, *FAST).code == 0
    ended = titan("run", "--to-end", "--log", url)
    assert ended.code == 2
    assert "strategies" in ended.err


def test_run_on_a_server_that_is_not_there(titan: Titan) -> None:
    ended = titan("run", "--to-end", "--log", "kafka://127.0.0.1:9", "--set", "log.timeout_s=0.5")
    assert ended.code == 4
    assert "Traceback" not in ended.err


def test_the_demo_ends_with_its_table(titan: Titan, bars: str) -> None:
    options = [
        "--set",
        f"gateway.files={bars}",
        "--set",
        "gateway.symbol=ES",
        "--set",
        "gateway.format=ohlcv",
        *FAST,
    ]
    ended = titan("demo", "--dir", "here", "--json", *options)
    assert ended.code == 0, ended.err
    done = ended.json
    assert isinstance(done, dict)
    assert done["ticks"] == MINUTES
    assert {
        "ticks_per_s",
        "bars",
        "signals",
        "orders",
        "fills",
        "strategies",
        "latency_p50_ms",
        "latency_p99_ms",
    } <= set(done)
    assert Path("here/titan.db").exists()
    assert "<html" in Path(done["report_path"]).read_text(encoding="utf-8")[:500]
    assert titan("report", "--json", "--log", "sqlite:///here/titan.db").code == 0
    assert titan("report", "--out", "r.html", "--log", "sqlite:///here/titan.db").out == "r.html\n"
    assert Path("r.html").exists()
    text = titan("demo", "--dir", "here", *options)
    assert text.code == 0
    assert "sma_crossover" in text.out
    assert "What to try next" in text.err
