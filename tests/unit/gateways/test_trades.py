"""Parquet trades: exact counts of real files, and what every other kind of column gives."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.connectors.gateway import SECOND, CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import RecordedSettings, open_recorded
from schemas.blocks import TRADES
from schemas.market import Heartbeat
from tests.unit.gateways.sessions import DEMO, is_sound, keeps_promises, rows, shared, text

T0 = 1_378_072_800_000_000_000
NO_LONGS, NO_DOUBLES = pa.array([], pa.int64()), pa.array([], pa.float64())
COARSE = CutSettings(cut_ns=60 * SECOND, max_rows=100_000)


def write(path, **columns) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


def trades(path, symbol, settings=RecordedSettings(), cut=COARSE) -> list:  # noqa: B008
    return rows(open_recorded([path], settings, cut))[symbol, TRADES]


def test_es_is_told_whole() -> None:
    said = list(open_recorded([str(DEMO / "es_trades.parquet")]))
    is_sound(said)
    assert keeps_promises(said) == 0
    ts, delay, _, side, price, size = rows(said)["ES", TRADES]
    assert len(ts) == 500_000
    assert size.sum() == 1_844_058
    assert (price * size).sum() / size.sum() == pytest.approx(1641.732820, abs=5e-7)
    assert (np.diff(ts) >= 0).all() and not delay.any() and not side.any()
    assert said[-1].blocks[0].complete_to_ns == ts[-1] + 1
    assert said[0].blocks[0].complete_to_ns == ts[0] == 1_378_072_800_083_000_000
    table = pq.read_table(DEMO / "es_trades.parquet")
    assert (price == table["price"].to_numpy()).all() and (size == table["size"].to_numpy()).all()


@pytest.mark.parametrize("stop", [0, 1, 7_000, 60_000, 99_085, 99_086])
def test_es_resumes_anywhere(stop) -> None:
    gateway = open_recorded([str(DEMO / "es_trades.parquet")])
    for _ in range(stop):
        next(gateway)
    position = gateway.position
    again = open_recorded([str(DEMO / "es_trades.parquet")], resume=position)
    for _ in range(300):
        assert text([s for s in [next(gateway, None)] if s]) == text([s for s in [next(again, None)] if s])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("SPY_trades_20131007_11", 1_887_460), ("BAC_trades_20131007_11", 573_620)]
)
def test_a_week_of_us_trades(name, count) -> None:
    path = shared(f"us_equity/{name}.parquet")
    columns = trades(path, name[:3])
    assert len(columns[0]) == count
    assert (columns[4] == pq.read_table(path)["price"].to_numpy()).all()


def test_optional_columns(tmp_path) -> None:
    path = write(
        tmp_path / "x.parquet",
        timestamp=pa.array(
            [dt.datetime(2024, 1, 2, 3, 4, 5, i) for i in range(4)], pa.timestamp("us", "UTC")
        ),
        ticker=["A", "B", "A", "B"],
        px=pa.array([1, 2, 3, 4], pa.int32()),
        qty=pa.array([1.5, None, 2.5, 3.5], pa.float32()),
        aggressor=["BUY", "sell", None, "?"],
        trade_id=[7, 8, 9, 10],
        ts_recv_ns=pa.array([1_704_164_645_000_000_500, None, 1_704_164_645_000_002_000, None], pa.int64()),
    )
    found = rows(open_recorded([path]))
    ts, delay, ids, side, price, size = found["A", TRADES]
    assert ts.tolist() == [1_704_164_645_000_000_000, 1_704_164_645_000_002_000]
    assert delay.tolist() == [500, 0] and ids.tolist() == [7, 9] and side.tolist() == [1, 0]
    assert price.tolist() == [1.0, 3.0] and size.tolist() == [1.5, 2.5]
    assert found["B", TRADES][3].tolist() == [-1, 0]
    assert np.isnan(found["B", TRADES][5][0])


def test_wild_numbers_go_on_as_they_are(tmp_path) -> None:
    path = write(
        tmp_path / "x.parquet",
        ts=[T0, T0 + 1, T0 + 2],
        price=[float("nan"), float("inf"), -1.0],
        size=[0.0, -2.0, 1e300],
    )
    _, _, _, _, price, size = trades(path, "X")
    assert np.isnan(price[0]) and price[1] == np.inf and price[2] == -1.0
    assert size.tolist() == [0.0, -2.0, 1e300]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_epoch_numbers_of_any_unit(tmp_path, unit) -> None:
    path = write(tmp_path / "x.parquet", time=[T0 // unit, T0 // unit + 1], price=[1.0, 2.0], size=[1.0, 1.0])
    assert trades(path, "X")[0].tolist() == [T0, T0 + unit]


def test_naive_times_are_read_in_the_stated_zone(tmp_path) -> None:
    walls = pa.array([dt.datetime(2024, 7, 1, 9, 30), dt.datetime(2024, 12, 2, 9, 30)], pa.timestamp("ms"))
    path = write(tmp_path / "x.parquet", ts=walls, price=[1.0, 2.0], size=[1.0, 1.0])
    ts = trades(path, "X", RecordedSettings(timezone="America/New_York"))[0]
    utc = [dt.datetime(2024, 7, 1, 13, 30, tzinfo=dt.UTC), dt.datetime(2024, 12, 2, 14, 30, tzinfo=dt.UTC)]
    assert ts.tolist() == [int(t.timestamp()) * SECOND for t in utc]


def test_rows_without_a_place_are_refused(tmp_path) -> None:
    path = write(
        tmp_path / "x.parquet",
        ts=pa.array([T0, None, -5, 1 << 62, T0 + 9], pa.int64()),
        price=[1.0] * 5,
        size=[1.0] * 5,
    )
    said = list(open_recorded([path]))
    assert rows(said)["X", TRADES][0].tolist() == [T0, T0 + 9]
    refused = [r for s in said for r in s.rejects]
    assert [r.line for r in refused] == [2, 3, 4]
    assert b'"price": "1.0"' in refused[0].original and "row has no place" in refused[0].detail
    assert len({r.id for r in refused}) == 3


def test_disorder_is_sorted_within_the_bound_and_told_late_beyond(tmp_path) -> None:
    seconds = [10, 12, 11, 20, 15, 30]
    prices = [float(s) for s in seconds]
    path = write(
        tmp_path / "x.parquet",
        ts=[T0 + s * SECOND for s in seconds],
        price=prices,
        size=[1.0] * 6,
    )
    cut = CutSettings(cut_ns=SECOND)
    within = list(open_recorded([path], RecordedSettings(disorder_ns=5 * SECOND), cut))
    assert rows(within)["X", TRADES][4].tolist() == [10, 11, 12, 15, 20, 30] and keeps_promises(within) == 0
    beyond = list(open_recorded([path], RecordedSettings(disorder_ns=2 * SECOND), cut))
    assert rows(beyond)["X", TRADES][4].tolist() == [10, 11, 12, 15, 20, 30]
    assert keeps_promises(beyond) == 1
    is_sound(beyond)


def test_a_session_of_several_files_is_merged(tmp_path) -> None:
    a = write(tmp_path / "a.parquet", ts=[T0, T0 + 2, T0 + 4], price=[0.0, 2.0, 4.0], size=[1.0] * 3)
    b = write(tmp_path / "b.parquet", ts=[T0 + 1, T0 + 2, T0 + 5], price=[1.0, 2.5, 5.0], size=[1.0] * 3)
    said = list(open_recorded([a, b], RecordedSettings(symbol="X"), CutSettings(cut_ns=1)))
    assert rows(said)["X", TRADES][4].tolist() == [0.0, 1.0, 2.0, 2.5, 4.0, 5.0]
    assert open_recorded([a, b]).symbols() == ["A", "B"]
    sessions = {open_recorded(files).session for files in ([a], [b], [a, b], [b, a])}
    assert len(sessions) == 4 and open_recorded([a]).session in sessions


def test_a_silent_symbol_is_heard_of(tmp_path) -> None:
    path = write(
        tmp_path / "x.parquet", ts=[T0 + i * SECOND // 10 for i in range(100)], price=[1.0] * 100, size=[1.0] * 100,
        symbol=["A"] * 99 + ["B"],
    )  # fmt: skip
    said = list(open_recorded([path], cut=CutSettings(cut_ns=SECOND // 4)))
    beats = [b.complete_to_ns for s in said for b in s.blocks if b.symbol == "B" and type(b) is Heartbeat]
    assert beats[0] == T0 and np.diff(beats[:-1]).min() >= SECOND and len(beats) == 11


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"ts": [T0], "size": [1.0]}, "missing column price. Found: ts, size. Wanted: price"),
        ({"ts": [T0], "price": ["x"], "size": [1.0]}, "holds string, not numbers"),
        ({"ts": ["yesterday"], "price": [1.0], "size": [1.0]}, "holds string, not times"),
        ({"ts": NO_LONGS, "price": NO_DOUBLES, "size": NO_DOUBLES}, "holds no rows"),
        ({"ts": [-1], "price": [1.0], "size": [1.0]}, "no usable row"),
        ({"ts": [T0, T0 - 9**12, T0 - 9**11], "price": [1.0] * 3, "size": [1.0] * 3}, "row 2: time goes back from"),
    ],
)  # fmt: skip
def test_unusable_files_say_why(tmp_path, columns, says) -> None:
    path = write(tmp_path / "x.parquet", **columns)
    with pytest.raises(InputError) as caught:
        list(open_recorded([path]))
    assert says in str(caught.value) and path in str(caught.value)


def test_a_time_that_the_clocks_skipped_is_an_error(tmp_path) -> None:
    walls = pa.array([dt.datetime(2024, 3, 10, 1, 59), dt.datetime(2024, 3, 10, 2, 30)], pa.timestamp("s"))
    path = write(tmp_path / "x.parquet", ts=walls, price=[1.0, 2.0], size=[1.0, 1.0])
    with pytest.raises(InputError, match=r"row 2: 2024-03-10T02:30:00 in America/New_York was skipped"):
        open_recorded([path], RecordedSettings(timezone="America/New_York"))


def test_damaged_and_missing_files_say_so(tmp_path) -> None:
    content = (DEMO / "es_trades.parquet").read_bytes()
    path = tmp_path / "es.parquet"
    path.write_bytes(content[:100_000])
    with pytest.raises(InputError, match=r"es.parquet: not a Parquet file, or a damaged one"):
        open_recorded([str(path)])
    path.write_bytes(content[:200_000] + b"\xff" * 50_000 + content[250_000:])
    with pytest.raises(InputError, match=r"row \d+: damaged data in row group 0"):
        list(open_recorded([str(path)]))
    with pytest.raises(InputError, match="no such file"):
        open_recorded([str(tmp_path / "none.parquet")])
    with pytest.raises(InputError, match="is a folder"):
        open_recorded([str(tmp_path)])
    path.write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        open_recorded([str(path)])
    with pytest.raises(InputError, match="no file to read"):
        open_recorded([])
    with pytest.raises(InputError, match="unknown format 'fix': use auto, trades, binance, ohlcv"):
        open_recorded([str(DEMO / "es_trades.parquet")], format="fix")


def test_a_big_file_is_not_held_in_memory(tmp_path) -> None:
    import tracemalloc

    n = 2_000_000
    path = str(tmp_path / "big.parquet")
    pq.write_table(pa.table({"ts": T0 + np.arange(n) * 10**6, "price": np.ones(n), "size": np.ones(n)}), path)
    gateway = open_recorded([path], cut=COARSE)
    tracemalloc.start()
    for _ in gateway:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6, "a whole file of such rows takes 96 MB"
