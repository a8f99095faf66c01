"""Does the compiled shortcut read every csv of bars as the row-by-row reader does, to the bit?"""

import datetime as dt
import gzip
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.connectors.gateway import SECOND
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import RecordedSettings, plain_rows
from flows.connectors.recorded.bar_rows import BarRows
from flows.connectors.recorded.lines import Refusals
from flows.connectors.recorded.ohlcv import OhlcvBars
from tests.unit.gateways.sessions import DATA, DEMO

READ_PLAIN = plain_rows.read_plain
DAYS = st.dates(min_value=dt.date(1969, 12, 28)).map(str) | st.integers(1, 31).map(
    lambda day: f"2024-{1 + day % 12:02d}-{day:02d}"
)
CLOCKS = st.builds(
    "{:02d}:{:02d}{}".format,
    st.integers(0, 24),
    st.integers(0, 60),
    st.sampled_from(["", ":00", ":59", ":60", ":00.123", ":00.123456", ":00.12", ":00.1234567", ":1", "."]),
)
ZONES = st.sampled_from(
    ["", "Z", "z", "+00:00", "-00:00", "-05:00", "+0530", "+05", "+24:00", "+23:59", "-23:60", " Z"]
)
MOMENTS = st.builds(
    lambda day, middle, clock, zone, bare_day, bare_clock: (
        (day.replace("-", "") if bare_day else day)
        + middle
        + (clock.replace(":", "") if bare_clock else clock)
        + zone
    ),
    DAYS, st.sampled_from(["T", " ", " ", "  ", "t", "_", ""]), CLOCKS, ZONES, st.booleans(), st.booleans(),
)  # fmt: skip
EPOCHS = st.builds(
    lambda number, scale: str(number * scale),
    st.integers(0, 5_000_000_000),
    st.sampled_from([1, 10**3, 10**6, 10**9]),
) | st.integers(0, 10**20).map(str)
TIMES = (
    DAYS
    | DAYS.map(lambda day: day.replace("-", ""))
    | MOMENTS
    | EPOCHS
    | st.text("0123456789-:TZ +.", max_size=26)
)
NUMBERS = (
    st.floats().map(repr)
    | st.integers(-(10**30), 10**30).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**9), max_value=10**9).map(
        str
    )
    | st.from_regex(r"[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{0,3})?", fullmatch=True)
    | st.sampled_from(
        ["", "nan", "NaN", "-nan", "inf", "1_000", "0x1p3", "١", "-0", "-0.0", ".", "-", "+", "1e", "e5"]
    )
)
SYMBOLS = st.sampled_from(
    [
        "A",
        "AA",
        "BTC-USDT",
        "X" * 32,
        "X" * 33,
        "",
        "Ä",
        "A B",
        "A\x1c",
        "\x85A",
        *(f"S{i}" for i in range(90)),
    ]
)
BLANKS = st.sampled_from(["", "", "", "", " ", "\t", "\r", "\x0b", "\xa0"])
ODD_LINES = st.sampled_from(
    ["", "\r", "  ", "\x00,\x00", "é", "2024-01-02", ",,,,,,,,", chr(34), "date,open,high,low,close,volume"]
)
HEADERS = (
    "date,open,high,low,close,volume", "symbol,timestamp,open,high,low,close,volume", "ts,c,o,h,l,v,note,ticker",
    "Date,Time,Open,High,Low,Close,Volume", "time,date,volume,close,low,high,open",
    "open,high,low,close,volume,date,time",
)  # fmt: skip


def outcome(path, given) -> tuple:
    """Everything that a source knows of a file, or why it refused it."""
    try:
        bars = OhlcvBars(str(path), given)
    except InputError as error:
        return (str(error),)
    runs = [(r.symbol, r.kind, r.slots.tobytes(), *(c.tobytes() for c in r.columns)) for r in bars._runs]
    return bars.identity, bars.heartbeat_ns, bars.venues, runs, list(bars.read())[0].rejects


def row_by_row(path, given) -> tuple:
    """The same without the shortcut."""
    plain_rows.read_plain = lambda memory, position, *_: (position, 0, 0, plain_rows.ODD)
    try:
        return outcome(path, given)
    finally:
        plain_rows.read_plain = READ_PLAIN


def line_of(draw, header: str, separator: str) -> str:
    """A row under the header: usual, with one wild field, or something else."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(ODD_LINES)
    names = header.lower().split(",")
    wild = draw(st.integers(0, 2 * len(names)))
    fields = []
    for i, name in enumerate(names):
        if name in ("symbol", "ticker"):
            field = draw(SYMBOLS) if i == wild or kind < 5 else "A"
        elif name in ("date", "timestamp", "ts"):
            field = draw(TIMES) if i == wild else f"2024-01-{draw(st.integers(1, 28)):02d}"
        elif name == "time":
            field = draw(CLOCKS) if i == wild else "09:30"
        elif name == "note":
            field = draw(st.text(max_size=5)) if i == wild else "x"
        else:
            field = draw(NUMBERS) if i == wild or kind < 4 else f"{draw(st.integers(1, 10**6)) / 100}"
        if i == wild and draw(st.booleans()):
            field = draw(BLANKS) + field + draw(BLANKS)
        fields.append(f'"{field}"' if kind == 1 and i % 2 else field)
    if kind == 2:
        fields = fields[: draw(st.integers(0, len(fields)))] + ["x"] * draw(st.integers(0, 3))
    return separator.join(fields)


@st.composite
def files(draw) -> bytes:
    header, separator = draw(st.sampled_from(HEADERS)), draw(st.sampled_from(",;\t|"))
    lines = [line_of(draw, header, separator) for _ in range(draw(st.integers(0, 30)))]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join([header.replace(",", separator), *lines]) + draw(st.sampled_from(["", end, end + end]))
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=files(),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    interval=st.sampled_from([0, 60 * SECOND]),
    symbol=st.sampled_from(["", "Q", "Ä"]),
)
@example(b"date,open,high,low,close,volume\n2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,1,1", "UTC", 0, "")
def test_any_file_is_read_as_row_by_row(tmp_path_factory, content, zone, interval, symbol) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    given = RecordedSettings(timezone=zone, interval_ns=interval, symbol=symbol)
    assert outcome(path, given) == row_by_row(path, given)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NUMBERS, min_size=1, max_size=60), st.lists(TIMES, min_size=1, max_size=60))
def test_any_number_and_any_time(tmp_path_factory, numbers, times) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    rows = [f"2024-01-02,{n},1,1,1,1" for n in numbers] + [f"{t},1,1,1,1,1" for t in times]
    between = "\n" + "2024-01-02,1,1,1,1,1\n" * 9  # lets the shortcut try every one
    path.write_text("date,open,high,low,close,volume" + between + between.join(rows), encoding="utf-8")
    given = RecordedSettings(interval_ns=SECOND, disorder_ns=1 << 62)
    assert outcome(path, given) == row_by_row(path, given)


@pytest.mark.parametrize("name", ["spy_1m.csv", "spy_daily.csv", "us5_daily.csv.gz", "Bad.csv"])
def test_real_files(name) -> None:
    path = (DATA if name == "Bad.csv" else DEMO) / name
    assert outcome(path, RecordedSettings()) == row_by_row(path, RecordedSettings())


def test_many_symbols_over_many_blocks_and_long_numbers(tmp_path) -> None:
    rng = random.Random(1)
    lines = ["ticker,ts,open,high,low,close,volume"]
    for i in range(60):
        for s in range(700):
            numbers = ",".join(repr(rng.lognormvariate(0, 20)) for _ in range(5))
            lines.append(f"SYM{s * s},{1_600_000_000_000 + i * 60_000},{numbers}")
    path = tmp_path / "many.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    assert outcome(path, RecordedSettings()) == row_by_row(path, RecordedSettings())


def test_a_clean_file_takes_the_shortcut_but_for_the_first_row(tmp_path, monkeypatch) -> None:
    read: list[int] = []

    def counted(*given) -> tuple:
        found = READ_PLAIN(*given)
        read.append(found[1])
        return found

    monkeypatch.setattr(plain_rows, "read_plain", counted)
    rows = BarRows(str(DEMO / "spy_1m.csv"), Refusals("spy", b""), RecordedSettings())
    rows.read()
    assert read == [1563] and len(rows) == 1564
    assert (np.diff(rows.lines) == 1).all() and rows.lines[0] == 2


CLOCK_EDGES = (
    "00:00", "23:59", "24:00", "09:60", "09:59:59", "09:59:60", "9:30", "0930", "2460", "093059", "093060", " 09:30",
    "", "09:30:00.123", "09:30:00.1234", "09:30:00Z", "09:30+23:59", "09:30+24:00", "09:30-23:60", "09:3000", "0930:00",
)  # fmt: skip
DAY_EDGES = (
    *(f"{year}-{month:02d}-{day}" for year in (2023, 2024) for month in range(14) for day in (28, 29, 30, 31, 32)),
    "2024-01-00", "1969-12-31", "1970-01-01", "1970-01-02", "2099-12-31", "2100-01-01", "2000-02-29",
    *(str(n + by) for n in (10**7, 10**8, 10**11, 10**14, 10**17, 4102444800 * 10**9) for by in (-1, 0, 1)),
)  # fmt: skip


@pytest.mark.parametrize(
    "header", ["date,open,high,low,close,volume", "date,time,open,high,low,close,volume"]
)
def test_edges_of_days_and_clocks(tmp_path, header) -> None:
    with_clock = "time" in header
    between, rest = (",", ",1,1,1,1,1") if with_clock else (" ", ",1,1,1,1,1")
    usual = f"2024-01-02{between}10:00{rest}\n"
    days = [f"{blank}{day}{blank}" for day in DAY_EDGES for blank in ("", " ")]
    times = [f"2024-01-02{blank}{between}{clock}" for clock in CLOCK_EDGES for blank in ("", " ")]
    times += [f"{day}{between}10:00" if with_clock else day for day in days]
    path = tmp_path / "edges.csv"
    path.write_text(header + "\n" + usual * 9 + (usual * 9).join(f"{time}{rest}\n" for time in times))
    given = RecordedSettings(interval_ns=SECOND, disorder_ns=1 << 62)
    assert outcome(path, given) == row_by_row(path, given)
