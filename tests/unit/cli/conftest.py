"""A log with a little of everything, and a way to run `titan` in this process."""

import math
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from flows.connectors.log import TopicSpec, open_log
from schemas.account import BookPosition, DeadLetter, PortfolioUpdate
from schemas.blocks import encode_block
from schemas.codec import encode
from schemas.market import Heartbeat, TradeBlock
from schemas.topics import TOPICS

START_NS = 1_377_986_400_000_000_000  # 2013-08-31T22:00:00Z
NANOS = 1_000_000_000
MINUTES = 240


class Ended(msgspec.Struct):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """Standard output read as one JSON value."""
        return msgspec.json.decode(self.out)

    @property
    def lines(self) -> list[dict[str, object]]:
        """Standard output read as one JSON object a line."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


Titan = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, without any TITAN variable."""
    monkeypatch.chdir(tmp_path)
    for name in ("TITAN_LOG", "TITAN_CONFIG", "TITAN_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def titan(capsys: pytest.CaptureFixture[str]) -> Iterator[Titan]:
    """Run the command in this process; what it does to signals ends with the test."""
    from ui.cli import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, said.out, said.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def bars() -> str:
    """Four hours of one-minute bars of ES that go up and down, as csv."""
    rows = ["time,open,high,low,close,volume"]
    for minute in range(MINUTES):
        price = 1650 + 20 * math.sin(minute / 12)
        stamp = f"2013-09-02T{14 + minute // 60:02d}:{minute % 60:02d}:00Z"
        rows.append(f"{stamp},{price:.2f},{price + 1:.2f},{price - 1:.2f},{price + 0.5:.2f},100")
    Path("bars.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return "bars.csv"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A log with the topics and nothing in them."""
    url = f"sqlite:///{tmp_path}/t.db"
    with open_log(url) as log:
        log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
    return url


@pytest.fixture
def filled(url: str) -> str:
    """The same with five trades of ES in two blocks, a heartbeat, a portfolio and a dead letter."""
    head = {"symbol": "ES", "venue": "CME", "session": 7}
    with open_log(url) as log, log.writer() as writer:
        for seq, rows in ((0, 3), (3, 2)):
            ts = START_NS + (seq + np.arange(rows)) * NANOS
            zeros = np.zeros(rows, np.int64)
            block = TradeBlock(
                **head, seq=seq, complete_to_ns=int(ts[-1]), ts_event_ns=ts, recv_delay_ns=zeros + 5,
                trade_id=zeros, side=zeros + 1, price=np.array([1.0, np.nan, 3.0])[:rows], size=np.ones(rows),
            )  # fmt: skip
            writer.append("market_data", b"ES", encode_block(block), int(ts[0]) // 1_000_000)
        beat = Heartbeat(**head, seq=5, complete_to_ns=START_NS + 9 * NANOS, final=True)
        writer.append("market_data", b"ES", encode_block(beat), START_NS // 1_000_000 + 9000)
        dead = DeadLetter(
            "market_data:0:1:0", "market_data", 0, 1, 0, "ES", START_NS, "late", "", b"\x00\xff"
        )
        writer.append("dead_letters", b"market_data", encode(dead), START_NS // 1_000_000)
        for seq, state in enumerate(("ACTIVE", "PAUSED")):
            writer.append(
                "portfolio_updates", b"paper", encode(_portfolio(seq, state)), START_NS // 1_000_000
            )
        writer.flush()
    return url


def _portfolio(seq: int, state: str) -> PortfolioUpdate:
    book = BookPosition("sma_crossover", "ES", NANOS, 1650 * NANOS, 1651 * NANOS, 0, 50 * NANOS, NANOS)
    return PortfolioUpdate(
        id=f"paper:{seq}", account="paper", seq=seq, ts_event_ns=START_NS + seq, cause="fill", trading_state=state,  # type: ignore[arg-type]
        cash_nanos=10**14, equity_nanos=10**14 + 49 * NANOS, realized_nanos=0, unrealized_nanos=50 * NANOS,
        fees_nanos=NANOS, gross_exposure_nanos=0, net_exposure_nanos=0, peak_equity_nanos=10**14,
        day_start_equity_nanos=10**14, drawdown=0.0, books=(book,),
    )  # fmt: skip
