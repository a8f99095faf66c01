"""Bars from csv: exact counts of real files, headers, zones, orders, and what is refused."""

import datetime as dt
import gzip

import numpy as np
import pytest

from flows.connectors.gateway import SECOND
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import RecordedSettings, open_recorded
from schemas.blocks import BARS
from tests.unit.gateways.sessions import DATA, DEMO, is_sound, keeps_promises, rows, shared

DAY = 86_400 * SECOND
HEAD = "date,open,high,low,close,volume\n"


def utc(*parts) -> int:
    return int(dt.datetime(*parts, tzinfo=dt.UTC).timestamp()) * SECOND


def write(path, content) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def told(path, symbol, **settings) -> list:
    said = list(open_recorded([path], RecordedSettings(**settings)))
    is_sound(said)
    assert keeps_promises(said) == 0
    return rows(said)[symbol, BARS]


def test_spy_by_the_minute() -> None:
    ts, _, interval, open_, high, low, close, volume = told(str(DEMO / "spy_1m.csv"), "SPY")
    assert len(ts) == 1564 and (interval == 60 * SECOND).all()
    assert ts[0] == utc(2020, 12, 15, 9, 31), "the close of the bar that opens at 09:30"
    assert (open_[0], high[0], low[0], close[0], volume[0]) == (367.4, 367.62, 367.36, 367.46, 407870.0)
    eastern = told(str(DEMO / "spy_1m.csv"), "SPY", timezone="America/New_York")
    assert eastern[0][0] == utc(2020, 12, 15, 14, 31)


def test_spy_by_the_day() -> None:
    ts, _, interval, *_ = told(str(DEMO / "spy_daily.csv"), "SPY")
    assert len(ts) == 502 and (interval == DAY).all() and ts[0] == utc(2017, 1, 4)
    said = list(open_recorded([str(DEMO / "spy_daily.csv")]))
    assert said[0].blocks[0].complete_to_ns == utc(2017, 1, 3), (
        "nothing is promised past the first bar's open"
    )
    assert said[-1].blocks[0].complete_to_ns == ts[-1] + 1


def test_five_stocks_that_follow_each_other() -> None:
    said = list(open_recorded([str(DEMO / "us5_daily.csv.gz")]))
    is_sound(said)
    found = rows(said)
    counts = {symbol: len(columns[0]) for (symbol, _), columns in found.items()}
    assert counts == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert all((np.diff(columns[0]) > 0).all() for columns in found.values())
    assert found["AAPL", BARS][6][0] == 130.31, "Close, not Adj Close"


def test_what_is_bad_in_bad_csv() -> None:
    said = list(open_recorded([str(DATA / "Bad.csv")]))
    is_sound(said)
    refused = [r for s in said for r in s.rejects]
    assert len(refused) == 101 and len(rows(said)["BAD", BARS][0]) == 401
    assert [r.line for r in refused[:50]] == list(range(202, 252)), "no date"
    assert refused[0].original.startswith(b"201,,245.21") and "line 202" in refused[0].detail
    assert (rows(said)["BAD", BARS][3] < 0).any(), "negative numbers parse, so normalisation refuses them"


def test_other_vendored_files() -> None:
    for name, symbol, count in (
        ("quotes/MSFT.csv.gz", "MSFT", 8111), ("quotes/Penny.csv", "PENNY", 533), ("quotes/TooBig.csv", "TOOBIG", 1246),
        ("quotes/Compare.csv", "TSLA", 502),
    ):  # fmt: skip
        assert len(told(shared(name), symbol)[0]) == count


@pytest.mark.parametrize(
    "content",
    [
        "Date;Open;High;Low;Close;Vol\n2024-01-02;1;3;0.5;2;10\n2024-01-03;2;3;1;2;20\n",
        "\ufeffTimestamp\tVolume\tClose\tLow\tHigh\tOpen\r\n2024-01-02\t10\t2\t0.5\t3\t1\r\n2024-01-03\t20\t2\t1\t3\t2\r\n",
        'ts,o,h,l,c,v\n"2024-01-02T00:00:00Z","1","3","0.5","2","10"\n1704240000000,2,3,1,2,20\n',
        "open_time|open|high|low|close|volume|extra\n20240102|1|3|0.5|2|10|x\n20240103|2|3|1|2|20|y",
        "Date,Time,Open,High,Low,Close,Volume\n2024-01-02,00:00,1,3,0.5,2,10\n2024-01-03,00:00,2,3,1,2,20\n",
        "date,open,high,low,close,volume\n2024-01-03,2,3,1,2,20\n2024-01-02,1,3,0.5,2,10\n",
        "date,open,high,low,close,volume\n\n2024-01-01 19:00:00-05:00,1,3,0.5,2,10\n2024-01-03,2,3,1,2,20\n",
    ],
)
def test_headers_separators_times_and_orders(tmp_path, content) -> None:
    ts, _, interval, open_, high, low, close, volume = told(write(tmp_path / "x.csv", content), "X")
    assert ts.tolist() == [utc(2024, 1, 3), utc(2024, 1, 4)] and interval.tolist() == [DAY, DAY]
    assert [c.tolist() for c in (open_, high, low, close, volume)] == [
        [1, 2],
        [3, 3],
        [0.5, 1],
        [2, 2],
        [10, 20],
    ]


def test_interval_is_the_commonest_distance_or_given(tmp_path) -> None:
    lines = [f"2024-01-02 10:{m:02d}:00,1,1,1,1,1" for m in (0, 5, 10, 25, 30)]
    path = write(tmp_path / "x.csv", HEAD + "\n".join(lines))
    assert set(told(path, "X")[2].tolist()) == {300 * SECOND}
    assert set(told(path, "X", interval_ns=60 * SECOND)[2].tolist()) == {60 * SECOND}
    one = write(tmp_path / "one.csv", HEAD + lines[0])
    with pytest.raises(InputError, match="give --interval"):
        open_recorded([one])
    assert told(one, "ONE", interval_ns=60 * SECOND)[0].tolist() == [utc(2024, 1, 2, 10, 1)]


def test_a_session_knows_its_parameters() -> None:
    path = str(DEMO / "spy_1m.csv")
    sessions = [
        open_recorded([path], RecordedSettings(**given)).session
        for given in (
            {},
            {"symbol": "X"},
            {"timezone": "America/New_York"},
            {"interval_ns": SECOND},
            {"venue": "Y"},
        )
    ]
    assert len(set(sessions)) == 5 and all(0 < s < 1 << 63 for s in sessions)
    assert sessions[0] == open_recorded([path]).session


@pytest.mark.parametrize(
    ("wall", "word"),
    [("2024-03-10 02:30:00", "was skipped by the clocks"), ("2024-11-03 01:30:00", "happened twice")],
)
def test_times_of_daylight_saving(tmp_path, wall, word) -> None:
    path = write(tmp_path / "x.csv", HEAD + f"2024-01-02 09:30:00,1,1,1,1,1\n{wall},1,1,1,1,1\n")
    with pytest.raises(InputError) as caught:
        open_recorded([path], RecordedSettings(timezone="America/New_York"))
    assert f"{path}: row 3: {wall.replace(' ', 'T')} in America/New_York {word}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("date,open,high,low,vol\n", "missing column close. Found: date, open, high, low, vol. Wanted: close (c"),
        ("Date,AAPL,AMD,BAC\n2024-01-02,1,2,3\n", "a table of closes with a column for each symbol"),
        (HEAD, "no usable row, 0 refused"),
        (HEAD + "01/02/2024,1,1,1,1,1\n", "no usable row, 1 refused: "),
        (HEAD + "2024-01-02,1,1\n", "the row has 3 columns, fewer than the header"),
        (HEAD + "\n".join(f"20{y}-01-02,1,1,1,1,1" for y in (24, 20, 21, 19, 18, 17)), "row 3 of X: time goes back"),
    ],
)  # fmt: skip
def test_unusable_files_say_why(tmp_path, content, says) -> None:
    path = write(tmp_path / "x.csv", content)
    with pytest.raises(InputError) as caught:
        open_recorded([path])
    assert says in str(caught.value) and path in str(caught.value)


def test_wrong_time_zone() -> None:
    with pytest.raises(InputError, match="no time zone 'Mars/Olympus'"):
        open_recorded([str(DEMO / "spy_1m.csv")], RecordedSettings(timezone="Mars/Olympus"))


def test_a_closes_table_of_real_stocks_is_no_bar_file() -> None:
    with pytest.raises(InputError, match="a table of closes"):
        open_recorded([shared("daily/us20_closes_1990_2022.csv.gz")])


def test_formats_are_seen_in_the_content(tmp_path) -> None:
    bars = write(tmp_path / "a.txt", (DEMO / "spy_1m.csv").read_bytes())
    frames = write(tmp_path / "b.txt", gzip.decompress((DATA / "btcusdt_spot_1500.jsonl.gz").read_bytes()))
    trades = write(tmp_path / "c", (DEMO / "es_trades.parquet").read_bytes())
    assert [open_recorded([f]).symbols() for f in (bars, frames, trades)] == [["A"], ["BTCUSDT"], ["C"]]
    with pytest.raises(InputError, match="unknown format; it begins with b'hello'"):
        open_recorded([write(tmp_path / "d.txt", "hello\n")])


def test_quoted_garbage_spoils_one_row_only(tmp_path) -> None:
    content = HEAD + '2024-01-02,1,1,1,1,1\n"2024-01-03,1,1,1,1,1\n2024-01-04,1,1,1,1,1\n\x00,\x00\n'
    said = list(open_recorded([write(tmp_path / "x.csv", content)], RecordedSettings(interval_ns=DAY)))
    assert len(rows(said)["X", BARS][0]) == 2 and [r.line for s in said for r in s.rejects] == [3, 5]
