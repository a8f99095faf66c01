"""Binance frames: exact counts of real recordings, gaps, what is left out, and what is refused."""

import gzip
import json

import pytest

from flows.connectors.gateway import SECOND
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import RecordedSettings, open_recorded
from schemas.blocks import QUOTES, TRADES
from tests.unit.gateways.sessions import DATA, DEMO, gaps, is_sound, keeps_promises, rows, shared

USDM = str(DATA / "btcusdt_usdm_1500.jsonl.gz")
SPOT = str(DATA / "btcusdt_spot_1500.jsonl.gz")
T = 1_723_161_256_000


def trade(i, ms=0, symbol="BTCUSDT", **more) -> bytes:
    fields = {
        "e": "trade",
        "E": T + ms,
        "T": T + ms,
        "s": symbol,
        "t": i,
        "p": "61800.30",
        "q": "0.006",
        "m": False,
    }
    return json.dumps(fields | more, separators=(",", ":")).encode()


def depth(first, last, ms, previous=None) -> bytes:
    tail = f',"pu":{previous}' if previous is not None else ""
    return (
        f'{{"e":"depthUpdate","E":{T + ms},"T":{T + ms},"s":"BTCUSDT","U":{first},"u":{last}{tail},"b":[],"a":[]}}'
    ).encode()


def write(path, *lines, end=b"\n") -> str:
    path.write_bytes(b"\n".join(lines) + end)
    return str(path)


def refused(slices) -> list:
    return [reject for said in slices for reject in said.rejects]


def test_the_vendored_usdm_cut() -> None:
    said = list(open_recorded([USDM]))
    is_sound(said)
    assert keeps_promises(said) == 0 and gaps(said) == []
    found = rows(said)
    assert len(found["BTCUSDT", TRADES][0]) == 264 and len(found["BTCUSDT", QUOTES][0]) == 1092
    ts, delay, ids, side, price, size = (column[0] for column in found["BTCUSDT", TRADES])
    assert (ts, delay, ids, side, price, size) == (
        1723161256322 * 10**6,
        -1233823633,
        5266583935,
        1,
        61800.3,
        0.006,
    )
    (broken,) = refused(said)
    assert (
        broken.line == 1501
        and broken.original.startswith(b"1723161262460267099 {")
        and len(broken.original) == 137
    )
    assert "line 1501" in broken.detail and broken.reason == "not_a_frame"
    assert said[0].blocks[0].venue == "BINANCE_USDM"


def test_the_vendored_spot_cut() -> None:
    said = list(open_recorded([SPOT]))
    is_sound(said)
    assert keeps_promises(said) == 0 and gaps(said) == [] and refused(said) == []
    found = rows(said)
    assert len(found["BTCUSDT", TRADES][0]) == 229 and len(found["BTCUSDT", QUOTES][0]) == 1137
    assert found["BTCUSDT", TRADES][3][0] == -1
    ts, delay, update, bid, bid_size, ask, ask_size = (column[0] for column in found["BTCUSDT", QUOTES])
    assert (ts, delay, update) == (1723161254087891268, 0, 50093239212), (
        "spot quotes have our receive time only"
    )
    assert (bid, bid_size, ask, ask_size) == (61837.63, 3.78826, 61837.64, 1.54698)
    assert said[0].blocks[0].venue == "BINANCE"


@pytest.mark.parametrize(("name", "trades", "quotes"), [("usdm", 21_313, 66_089), ("spot", 9_757, 28_040)])
def test_whole_recordings(name, trades, quotes) -> None:
    said = list(open_recorded([shared(f"crypto/{name}_btcusdt_20240808.jsonl.gz")]))
    is_sound(said)
    found = rows(said)
    assert len(found["BTCUSDT", TRADES][0]) == trades and len(found["BTCUSDT", QUOTES][0]) == quotes
    assert refused(said) == [] and gaps(said) == [] and keeps_promises(said) == 0


@pytest.mark.parametrize(("name", "trades", "quotes"), [("usdm", 6_984, 32_448), ("spot", 9_757, 28_040)])
def test_the_demo_cuts(name, trades, quotes) -> None:
    found = rows(open_recorded([str(DEMO / f"btcusdt_{name}.jsonl.gz")]))
    assert len(found["BTCUSDT", TRADES][0]) == trades and len(found["BTCUSDT", QUOTES][0]) == quotes


def test_bare_frames_without_receive_time(tmp_path) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), trade(2, 5, m=True), trade(3, 7, q=2, p=5))
    _, delay, ids, side, price, size = rows(open_recorded([path]))["BTCUSDT", TRADES]
    assert delay.tolist() == [0, 0, 0] and ids.tolist() == [1, 2, 3] and side.tolist() == [1, -1, 1]
    assert price[2] == 5.0 and size[2] == 2.0


def test_agg_trades_count_unless_the_trades_are_there_too(tmp_path) -> None:
    def aggregated(i, ms) -> bytes:
        return trade(0, ms, e="aggTrade", a=i, f=i, l=i)

    alone = write(tmp_path / "a.jsonl", aggregated(5, 0), aggregated(6, 1))
    assert rows(open_recorded([alone]))["BTCUSDT", TRADES][2].tolist() == [5, 6]
    both = write(tmp_path / "b.jsonl", aggregated(5, 0), trade(70, 0), aggregated(6, 1), trade(71, 1))
    assert rows(open_recorded([both]))["BTCUSDT", TRADES][2].tolist() == [70, 71]


def test_duplicate_frames_are_passed_on(tmp_path) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), trade(1), trade(2, 5), trade(1))
    said = list(open_recorded([path]))
    assert sorted(rows(said)["BTCUSDT", TRADES][2].tolist()) == [1, 1, 1, 2] and gaps(said) == []


def test_a_break_in_the_depth_of_derivatives_is_a_gap(tmp_path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        trade(1),
        depth(1, 10, 10, 0),
        depth(12, 20, 20, 10),
        depth(31, 40, 40, 30),
        trade(2, 50),
    )
    (gap,) = gaps(open_recorded([path]))
    assert gap == ("BTCUSDT", (T + 20) * 10**6 + 1, (T + 40) * 10**6, 21, 30, "depth_sequence")


def test_a_break_in_the_depth_of_spot_is_a_gap(tmp_path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        trade(1),
        depth(1, 10, 10),
        depth(11, 20, 20),
        depth(25, 30, 40),
        depth(28, 33, 45),
    )
    (gap,) = gaps(open_recorded([path]))
    assert gap == ("BTCUSDT", (T + 20) * 10**6 + 1, (T + 40) * 10**6, 21, 24, "depth_sequence")


def test_a_jump_of_the_trade_id_is_a_gap(tmp_path) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), trade(2, 10), trade(9, 20_000), trade(10, 20_001))
    said = list(open_recorded([path]))
    assert gaps(said) == [("BTCUSDT", (T + 10) * 10**6 + 1, (T + 20_000) * 10**6, 3, 8, "trade_id")]
    is_sound(said)
    told = [type(b).__name__ for s in said for b in s.blocks if type(b).__name__ != "Heartbeat"]
    assert told == ["TradeBlock", "Gap", "TradeBlock"], "the gap is told before the rows behind it"


def test_known_frames_of_other_kinds_are_left_out(tmp_path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        b'{"result":null,"id":1}',
        b'{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}',
        b'{"e":"markPriceUpdate","E":1723161256322,"s":"BTCUSDT","p":"1"}',
        b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1723161256322,"s":"BTCUSDT","k":{}}}',
        b"",
        trade(1),
    )
    said = list(open_recorded([path]))
    assert refused(said) == [] and len(rows(said)["BTCUSDT", TRADES][0]) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"e":"trade","E":1,"T":17231612563', "truncated"),
        (b"\x00\xff\xfe binary", "neither a JSON object"),
        (b"[1,2,3]", "neither a JSON object"),
        (b'{"a":' + b"[" * 100_000, "recursion"),
        (b'{"e":"tradeLite","s":"BTCUSDT"}', "not a known frame (e = 'tradeLite')"),
        (trade(5, p="cheap"), "could not convert string to float"),
        (trade(5, T=0), "a trade without p, q or T"),
        (trade(5, T=5_000_000_000_000_000_000), "not a time between 1970 and 2100"),
        (trade(5, t=1 << 70), "int"),
        (trade(5, t=-1), ">= 0"),
        (trade(5, symbol="BTC\u00dc"), "not ASCII"),
        (b'{"u":3,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}', "no receive time"),
        (b'99 {"u":3,"s":"BTCUSDT","b":"x","B":"1","a":"2","A":"1"}', "could not convert"),
    ],
)
def test_other_lines_are_refused_one_by_one(tmp_path, line, says) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), line, trade(2, 5))
    said = list(open_recorded([path]))
    (reject,) = refused(said)
    assert says.lower() in reject.detail.lower(), reject.detail
    assert reject.line == 2 and reject.original == line[: 64 << 10] and f"{path}: line 2" in reject.detail
    assert rows(said)["BTCUSDT", TRADES][2].tolist() == [1, 2]


def test_a_gzip_that_breaks_off_is_read_to_its_end(tmp_path) -> None:
    path = tmp_path / "x.jsonl.gz"
    content = (DEMO / "btcusdt_spot.jsonl.gz").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    said = list(open_recorded([str(path)]))
    is_sound(said)
    assert 10_000 < sum(len(c[0]) for c in rows(said).values()) < 30_000
    assert refused(said)[-1].reason == "truncated_file" and "breaks off" in refused(said)[-1].detail
    path.write_bytes(content[: len(content) // 2] + b"\x55" * 1000 + content[len(content) // 2 + 1000 :])
    damaged = refused(open_recorded([str(path)]))
    assert any("damaged" in r.detail or r.reason == "not_a_frame" for r in damaged)


def test_several_gzip_members_are_one_file(tmp_path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(trade(1) + b"\n") + gzip.compress(trade(2, 5) + b"\n" + trade(3, 6)))
    assert rows(open_recorded([str(path)]))["BTCUSDT", TRADES][2].tolist() == [1, 2, 3]


def test_several_symbols(tmp_path) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), trade(900, 1, symbol="ETHUSDT"), trade(2, 2))
    gateway = open_recorded([path])
    assert gateway.symbols() == ["BTCUSDT", "ETHUSDT"]
    said = list(gateway)
    assert gaps(said) == [] and len(rows(said)["ETHUSDT", TRADES][0]) == 1
    with pytest.raises(InputError, match="holds 2 symbols"):
        open_recorded([path], RecordedSettings(symbol="X"))


def test_a_symbol_of_two_venues_is_an_error_unless_renamed() -> None:
    with pytest.raises(InputError, match="BTCUSDT comes from two venues: BINANCE_USDM .* and BINANCE "):
        open_recorded([USDM, SPOT])
    assert open_recorded([USDM], RecordedSettings(symbol="BTCPERP")).symbols() == ["BTCPERP"]
    assert ("BTCPERP", TRADES) in rows(open_recorded([USDM], RecordedSettings(symbol="BTCPERP")))


@pytest.mark.parametrize("content", [b"\x00" * 1000, b"hello\nworld\n", b'{"a":1}\n', depth(1, 2, 3) + b"\n"])
def test_a_file_without_any_frame_is_an_error(tmp_path, content) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x.jsonl: no trade, aggTrade or bookTicker frame"):
        open_recorded([str(path)], format="binance")


def test_due_times_are_event_time(tmp_path) -> None:
    path = write(tmp_path / "x.jsonl", trade(1), trade(2, 60_000))
    said = list(open_recorded([path]))
    assert said[0].wall_offset_s == 0.0
    assert 60.0 <= said[-1].wall_offset_s <= 60.3
    assert 3 < len(said) < 70, "silence is told, but ever more rarely"
    assert said[2].wall_offset_s - said[1].wall_offset_s <= 1.25 * SECOND
