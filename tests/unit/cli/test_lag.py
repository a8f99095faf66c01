"""`titan topics lag`: positions out of recovery stores, against the log."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from flows.connectors.log import open_log
from flows.lag import Lag
from schemas.blocks import encode_block
from schemas.market import TradeBlock
from tests.unit.cli.conftest import NANOS, START_NS, Titan

RUN = ("run", "--to-end", "--set", "account.id=mine", "--log")
"""Of an account that the filled log holds nothing of."""


def later(url: str, seconds: list[int]) -> None:
    """Append a block of one trade of ES for each time after the start."""
    with open_log(url) as log, log.writer() as writer:
        for seq, second in enumerate(seconds):
            one = np.ones(1)
            block = TradeBlock(
                symbol="ES", venue="CME", session=8, seq=seq, complete_to_ns=START_NS + second * NANOS,
                ts_event_ns=np.array([START_NS + second * NANOS]), recv_delay_ns=np.zeros(1, np.int64),
                trade_id=np.array([seq]), side=np.ones(1, np.int64), price=one, size=one,
            )  # fmt: skip
            writer.append("market_data", b"ES", encode_block(block), START_NS // 1_000_000 + second * 1000)


def rows(titan: Titan, url: str, *more: str) -> dict[tuple[str, str], list[Lag]]:
    ended = titan("topics", "lag", "--log", url, "--json", *more)
    assert ended.code == 0, ended.err
    found: dict[tuple[str, str], list[Lag]] = {}
    for row in msgspec.json.decode(ended.out.encode(), type=list[Lag]):
        found.setdefault((row.leg, row.topic), []).append(row)
    return found


def test_a_leg_that_has_stopped_falls_behind(titan: Titan, filled: str) -> None:
    assert titan(*RUN, filled).code == 0
    read = rows(titan, filled)
    assert {(leg, topic) for leg, topic in read} >= {
        ("symbol", "market_data"),
        ("account", "marks"),
        ("account", "trade_signals"),
    }
    assert all(
        (row.records, row.seconds, row.position) == (0, 0.0, row.end)
        for lane in read.values()
        for row in lane
    )
    later(filled, [20, 21, 27])
    behind = [row for row in rows(titan, filled)["symbol", "market_data"] if row.records]
    assert [(row.records, row.seconds, row.end - row.position) for row in behind] == [(3, 7.0, 3)]
    assert behind[0].saved_ns > START_NS
    text = titan("topics", "lag", "--log", filled)
    assert "market_data" in text.out and text.err == ""


def test_more_than_the_most_is_a_check_that_failed(titan: Titan, filled: str) -> None:
    assert titan(*RUN, filled).code == 0
    later(filled, [20, 21, 27])
    assert titan("topics", "lag", "--log", filled, "--at-most", "3").code == 0
    ended = titan("topics", "lag", "--log", filled, "--at-most", "2")
    assert ended.code == 5
    assert "the symbol leg is 3 records behind in market_data/" in ended.err


def test_nothing_was_saved_yet(titan: Titan, url: str, tmp_path: Path) -> None:
    ended = titan("topics", "lag", "--log", url, "--json")
    assert (ended.code, ended.json) == (0, [])
    assert str(tmp_path / "recovery") in ended.err and "titan run" in ended.err


def test_positions_of_another_log_are_refused(titan: Titan, filled: str, tmp_path: Path) -> None:
    assert titan(*RUN, filled).code == 0
    for left in tmp_path.glob("t.db*"):
        left.unlink()
    assert titan("topics", "apply", "--log", filled).code == 0
    ended = titan("topics", "lag", "--log", filled)
    assert ended.code == 4
    assert "is not the log that the saved positions belong to" in ended.err


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100])
def test_a_damaged_store_is_named(titan: Titan, filled: str, tmp_path: Path, damage: bytes) -> None:
    assert titan(*RUN, filled).code == 0
    store = next(tmp_path.rglob("part-0.sqlite3"))
    for left in store.parent.glob("part-0.sqlite3*"):
        left.unlink()
    store.write_bytes(damage)
    ended = titan("topics", "lag", "--log", filled)
    assert ended.code == 4
    assert str(store) in ended.err and "Traceback" not in ended.err


def test_a_store_of_shares_that_are_given_up_says_nothing_any_more(titan: Titan, filled: str) -> None:
    for share in ("1/2", "2/2"):
        assert titan(*RUN, filled, "--leg", "symbol", "--share", share).code == 0
    assert {row.store for row in rows(titan, filled)["symbol", "market_data"]} == {
        "symbol-1of2",
        "symbol-2of2",
    }
    later(filled, [20, 21, 27])
    assert titan("topics", "lag", "--log", filled, "--at-most", "2").code == 5
    assert titan(*RUN, filled, "--leg", "symbol").code == 0
    found = rows(titan, filled)["symbol", "market_data"]
    assert len({row.partition for row in found}) == len(found) and not any(row.records for row in found)
    assert titan("topics", "lag", "--log", filled, "--at-most", "0").code == 0
