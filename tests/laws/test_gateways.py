"""Laws of every gateway: a cut changes no row, a position resumes exactly, promises are kept, the same again."""

import gzip
import io
import pickle
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.connectors.gateway import SECOND, CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import FORMATS, RecordedSettings, open_recorded
from flows.connectors.recorded.detect import detect_format
from flows.connectors.synthetic import open_synthetic
from flows.connectors.synthetic_settings import FaultRates, SyntheticSettings
from schemas.blocks import decode_block, encode_block
from tests.unit.gateways.sessions import DATA, DEMO, gaps, is_sound, keeps_promises, rows, text

FAULTS = FaultRates(gaps=0.1, duplicates=0.02, out_of_order=0.05, bad_prints=0.02, crossed_quotes=0.02)
SMALL = SyntheticSettings(symbols=5, pairs=2, rate_per_s=7.0, duration_s=20.4, jumps_per_s=0.01)
RECORDED = {
    "usdm": [DATA / "btcusdt_usdm_1500.jsonl.gz"],
    "spot": [DATA / "btcusdt_spot_1500.jsonl.gz"],
    "bars": [DEMO / "spy_1m.csv"],
    "bad bars": [DATA / "Bad.csv"],
    "five symbols": [DEMO / "us5_daily.csv.gz"],
    "several files": [DEMO / "spy_daily.csv", DEMO / "us5_daily.csv.gz", DATA / "Bad.csv"],
}
SESSIONS: dict[str, Callable] = {
    **{
        name: lambda cut, resume=None, files=files: open_recorded(
            [str(f) for f in files], cut=cut, resume=resume
        )
        for name, files in RECORDED.items()
    },
    "synthetic": lambda cut, resume=None: open_synthetic(SMALL, cut, resume=resume),
    "faulty": lambda cut, resume=None: open_synthetic(
        SyntheticSettings(duration_s=20.0, faults=FAULTS), cut, resume=resume
    ),
    "quiet": lambda cut, resume=None: open_synthetic(
        SyntheticSettings(rate_per_s=0.02, duration_s=900.0), cut, resume=resume
    ),
}
CUTS = st.builds(
    CutSettings,
    cut_ns=st.sampled_from([10**6, 37 * 10**6, SECOND // 4, SECOND, 60 * SECOND, 86_400 * SECOND, 10**17]),
    max_rows=st.sampled_from([1, 2, 7, 100, 100_000]),
    heartbeat_ns=st.sampled_from([SECOND // 10, SECOND, 3600 * SECOND]),
)
HOUR = CutSettings(cut_ns=3600 * SECOND, heartbeat_ns=86_400 * SECOND)
USUAL = {"bars": HOUR, "bad bars": HOUR, "five symbols": HOUR, "several files": HOUR}
_WHOLE: dict[str, list] = {}


def whole(name) -> list:
    """The session as it is usually cut, told without a stop."""
    if name not in _WHOLE:
        _WHOLE[name] = list(SESSIONS[name](USUAL.get(name, CutSettings())))
    return _WHOLE[name]


def test_every_format_is_tried() -> None:
    assert {detect_format(str(f)) for files in RECORDED.values() for f in files} | {"trades"} == set(FORMATS)


@pytest.mark.parametrize("name", SESSIONS)
def test_sound(name) -> None:
    is_sound(whole(name))
    if name != "faulty":
        assert keeps_promises(whole(name)) == 0


@pytest.mark.parametrize("name", SESSIONS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut=CUTS)
def test_a_cut_changes_no_row(name, cut) -> None:
    said = list(SESSIONS[name](cut))
    is_sound(said)
    there, here = rows(whole(name)), rows(said)
    assert there.keys() == here.keys()
    for key, columns in there.items():
        assert all(a.tobytes() == b.tobytes() for a, b in zip(columns, here[key], strict=True))
    assert sorted(gaps(said)) == sorted(gaps(whole(name)))
    assert [r for s in said for r in s.rejects] == [r for s in whole(name) for r in s.rejects]
    ends = [b.complete_to_ns for b in said[-1].blocks], [b.complete_to_ns for b in whole(name)[-1].blocks]
    assert ends[0] == ends[1]
    starts = [b.complete_to_ns for b in said[0].blocks], [b.complete_to_ns for b in whole(name)[0].blocks]
    assert starts[0] == starts[1]
    longest = max(
        (len(b.ts_event_ns) for s in said for b in s.blocks if hasattr(b, "recv_delay_ns")), default=0
    )
    assert longest <= cut.max_rows


@pytest.mark.parametrize("name", SESSIONS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.floats(0, 1))
def test_resume_is_exact(name, where) -> None:
    said = whole(name)
    stop = round(where * len(said))
    cut = USUAL.get(name, CutSettings())
    with SESSIONS[name](cut) as gateway:
        for _ in range(stop):
            next(gateway)
        position = pickle.loads(pickle.dumps(gateway.position))
    rest = list(SESSIONS[name](cut, position))
    assert text(rest[:50]) == text(said[stop : stop + 50])
    assert text(rest[-2:]) == text(said[stop:][-2:])
    assert len(rest) == len(said) - stop


@pytest.mark.parametrize("name", SESSIONS)
def test_the_same_again_and_every_block_can_be_encoded(name) -> None:
    again = list(SESSIONS[name](USUAL.get(name, CutSettings())))
    assert text(again) == text(whole(name))
    for said in again[:200]:
        for block in said.blocks:
            back = decode_block(encode_block(block))
            assert back.seq == block.seq and type(back) is type(block)


def test_every_position_of_a_short_session_resumes() -> None:
    cut = CutSettings(cut_ns=SECOND, max_rows=5)
    make = lambda resume=None: open_synthetic(  # noqa: E731
        SyntheticSettings(duration_s=8.0, faults=FAULTS), cut, resume=resume
    )
    expected = text(make())
    gateway = make()
    for told in range(len(expected) + 1):
        assert text(make(gateway.position)) == expected[told:]
        next(gateway, None)


def test_a_position_of_another_session_is_refused() -> None:
    with SESSIONS["synthetic"](CutSettings()) as gateway:
        position = gateway.position
    with pytest.raises(InputError, match="position belongs to session"):
        open_recorded([str(DEMO / "spy_1m.csv")], resume=position)


def _small_parquet() -> bytes:
    """Real trades in row groups of 300, with the columns that are optional."""
    table = pq.read_table(DEMO / "es_trades.parquet").slice(0, 900)
    table = table.append_column("symbol", pa.array(["ES", "NQ", "YM"] * 300))
    table = table.append_column("side", pa.array(["buy", "sell", None] * 300))
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=300, use_dictionary=False, compression="none")
    return stream.getvalue()


SEEDS = {
    "trades.parquet": _small_parquet(),
    "frames.jsonl": gzip.decompress((DATA / "btcusdt_usdm_1500.jsonl.gz").read_bytes())[:40_000],
    "frames.jsonl.gz": (DATA / "btcusdt_usdm_1500.jsonl.gz").read_bytes()[:20_000],
    "bars.csv": (DEMO / "spy_1m.csv").read_bytes()[:20_000],
    "many.csv": gzip.decompress((DEMO / "us5_daily.csv.gz").read_bytes())[:20_000],
}
POISON = (
    b"9" * 40,
    b"\n",
    b'"',
    b"null",
    b"nan",
    b"1e400",
    b"{",
    b"[" * 5000,
    b"\xff\xfe",
    b",,",
    b"\x00",
    b"-",
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_garbage_gives_rows_rejects_or_an_input_error(data, tmp_path_factory) -> None:
    """Law 8: whatever is done to a real file, nothing but InputError leaves, and the message names the file."""
    name = data.draw(st.sampled_from(sorted(SEEDS)))
    content = bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 30))] = data.draw(
            st.sampled_from(POISON) | st.binary(max_size=30)
        )
    path = tmp_path_factory.mktemp("garbage") / name
    path.write_bytes(bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))]))
    try:
        with open_recorded([str(path)], RecordedSettings(), HOUR) as gateway:
            is_sound(list(gateway))
    except InputError as error:
        assert str(path) in str(error)


TRADE = (
    b'1723161255088176367 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256322,'
    b'"s":"BTCUSDT","t":%d,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}'
)


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([TRADE % i for i in (1, 2, 3, 9)])), max_size=30
    )
)
def test_every_line_is_a_row_or_a_reject(lines, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    content = b"\n".join([*lines, TRADE % 1])
    path.write_bytes(content)
    whole_lines = [line.strip() for line in content.split(b"\n") if line.strip()]
    trades = sum(b"@trade" in line for line in whole_lines)
    said = list(open_recorded([str(path)], format="binance"))
    is_sound(said)
    assert sum(len(columns[0]) for columns in rows(said).values()) == trades
    assert sum(len(s.rejects) for s in said) == len(whole_lines) - trades


def test_pacing_is_the_callers() -> None:
    """Due times are event time elapsed, whatever the speed: nothing in a slice depends on when it was taken."""
    said = whole("synthetic")
    start = said[0].blocks[0].complete_to_ns
    for one in said[1:-1]:
        promise = max(block.complete_to_ns for block in one.blocks)
        assert 0 <= one.wall_offset_s - (promise - start) / 1e9 < CutSettings().cut_ns / 1e9
    assert np.all(np.diff([s.wall_offset_s for s in said]) >= 0)
