"""Which markets are the trials run over? Small made-up ones with every fault of a feed, and what nobody interrupted.

A market is two or three symbols that trade for a minute or two, in frames that repeat, reorder, delay and lose rows.
"""

import functools
import random
import tempfile
from pathlib import Path

import msgspec

from flows.config import Settings, load_settings
from flows.connectors.log import Log, LogSettings, TopicSpec, open_log
from schemas.topics import TOPICS

MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
COUNT = 60
"""How many there are: a trial takes one of them, so that each is run undisturbed but once."""


@functools.cache
def market(number: int) -> Settings:
    """Return the settings of a market."""
    dice = random.Random(f"market {number}")
    symbols = dice.choice((2, 3, 3))
    rates = {
        "duplicates": dice.choice((0, 0.02, 0.1)),
        "out_of_order": dice.choice((0, 0.02, 0.2)),
        "gaps": dice.choice((0, 0.02)),
        "bad_prints": dice.choice((0, 0.005)),
        "crossed_quotes": dice.choice((0, 0.01)),
        "disorder_ns": dice.choice((500_000_000, 2_500_000_000)),
    }
    synthetic = {
        "seed": number,
        "symbols": symbols,
        "pairs": dice.choice((0, 1)),
        "rate_per_s": dice.choice((0.3, 0.7, 1.2)),
        "duration_s": dice.choice((60, 90, 120)),
        "volatility": 1e-3,
        "quotes": dice.choice(("true", "false")),
    }
    sets = [f"gateway.synthetic.{name}={value}" for name, value in synthetic.items()]
    sets += [f"gateway.synthetic.faults.{name}={value}" for name, value in rates.items()]
    sets += [
        "gateway.kind=synthetic", "gateway.speed=0", f"gateway.cut={dice.choice(('1s', '2s', '500ms'))}",
        f"gateway.max_rows={dice.choice((1, 3, 1000))}",
        "symbol_leg.timeframes=5s,15s", "account.report_interval=10s", "account.patience=1s",
        "strategies.sma_crossover.params.fast=2", "strategies.sma_crossover.params.slow=4",
        "strategies.rsi_reversion.params.window=2", "strategies.rsi_reversion.params.low=40",
        "strategies.rsi_reversion.params.high=60", "strategies.rsi_reversion.params.exit=50",
        "log.synchronous=normal",
    ]  # fmt: skip
    return load_settings(None, {}, sets)[0]


def next_session(settings: Settings) -> Settings:
    """Return the settings of a gateway that comes later with another session of the same symbols.

    Its time follows, overlaps, or lies before the end of the last, so that all of it comes late.
    """
    gateway = settings.gateway
    session = gateway.synthetic
    after_s = random.Random(f"next {session.seed}").choice((-30, 0, 30, 3600))
    session = msgspec.structs.replace(
        session, seed=session.seed + COUNT, start_ns=session.start_ns + after_s * 1_000_000_000
    )
    return msgspec.structs.replace(settings, gateway=msgspec.structs.replace(gateway, synthetic=session))


@functools.cache
def _empty() -> bytes:
    """Return the file of a log without records, to be copied: laying one out costs more than a trial may."""
    with tempfile.TemporaryDirectory(prefix="titan-chaos-", dir=MEMORY) as folder:
        path = Path(folder, "empty.db")
        with open_log(f"sqlite:///{path}", LogSettings(synchronous="normal")) as log:
            log.apply([TopicSpec(t.name, t.partitions, t.compacted) for t in TOPICS.values()])
        return path.read_bytes()


def open_empty(folder: Path) -> Log:
    """Return a new log of all topics in the folder."""
    (folder / "titan.db").write_bytes(_empty())
    return open_log(f"sqlite:///{folder}/titan.db", LogSettings(synchronous="normal"))


def at(settings: Settings, log: Log, **run: object) -> Settings:
    """Return the settings with the log's place, and sections of ``run`` otherwise."""
    section = msgspec.structs.replace(settings.run, **run)
    return msgspec.structs.replace(
        settings, run=section, log=msgspec.structs.replace(settings.log, url=log.url)
    )
