"""How far is each leg behind the log? The positions in its recovery store, against where the log ends now.

There are no consumer groups that a broker's tools could look at (docs/adr/0004): a leg's positions live in its
snapshots. So a lag is as old as the last snapshot, at most ``run.snapshot_interval_s`` while a leg runs; the metrics of
the running process (``run.metrics_port``) say it as of now.
"""

import pickle
from pathlib import Path

import msgspec

from flows.connectors.held import between
from flows.connectors.log import Log, Position, Record
from flows.connectors.log_errors import check_identity
from flows.recovery_store import Saved, saved

_LEGS = {"read_market_data": "symbol", "read_account_inputs": "account"}
"""Step of a dataflow that reads the log -> its leg."""


class Lag(msgspec.Struct, frozen=True):
    """One input partition of one leg: ``records`` it has not read, whose first is ``seconds`` of event time old.

    ``seconds`` is counted from the newest record of the partition, None where the record is not there to be asked.
    """

    store: str
    leg: str
    key: str
    topic: str
    partition: int
    position: int
    end: int
    records: int
    seconds: float | None
    saved_ns: int


def lags(log: Log, folder: Path) -> list[Lag]:
    """Return the lag of every leg that keeps a store below ``folder`` (`flows.config.recovery_dir`).

    Where several stores hold a position in one partition, as after a change of shares, the newest snapshot counts.

    Raises:
        StoreError: a store is damaged.
        IdentityChanged: a store belongs to another log.
    """
    found: dict[tuple[str, str, str, int], Lag] = {}
    for store in sorted(path.parent for path in folder.glob("*/part-0.sqlite3")):
        for snapshot in saved(store, list(_LEGS)):
            for lag in _of_leg(log, store.name, snapshot):
                place = (lag.leg, lag.key, lag.topic, lag.partition)
                if place not in found or _newness(lag) >= _newness(found[place]):
                    found[place] = lag
    return list(found.values())


def _newness(lag: Lag) -> tuple[int, int]:
    return lag.saved_ns, lag.position


def _of_leg(log: Log, store: str, snapshot: Saved) -> list[Lag]:
    state = pickle.loads(snapshot.state)
    positions: dict[Position, int] = state["positions"]
    topics = sorted({topic for topic, _ in positions})
    check_identity(state["identity"], log.identity(topics), log.url)
    spans = {topic: log.spans(topic) for topic in topics}
    ends = {source: spans[source[0]][source[1]][1] for source in positions}
    behind = {source: at for source, at in positions.items() if at < ends[source]}
    ages = _ages(log, behind, ends, spans)
    return [
        Lag(
            store=store,
            leg=_LEGS[snapshot.step],
            key=snapshot.key,
            topic=source[0],
            partition=source[1],
            position=at,
            end=ends[source],
            records=ends[source] - at,
            seconds=ages.get(source) if source in behind else 0.0,
            saved_ns=snapshot.saved_ns,
        )
        for source, at in sorted(positions.items())
    ]


def _ages(
    log: Log, behind: dict[Position, int], ends: dict[Position, int], spans: dict[str, list[tuple[int, int]]]
) -> dict[Position, float]:
    """Return the event time between the first record that was not read and the newest, in seconds."""
    there = {source: at for source, at in behind.items() if at >= spans[source[0]][source[1]][0]}
    if not there:
        return {}
    first = _first(log, there)
    last = _first(log, {source: ends[source] - 1 for source in there})
    return {
        source: max(0, last[source].timestamp_ms - first[source].timestamp_ms) / 1000
        for source in first.keys() & last.keys()
    }


def _first(log: Log, positions: dict[Position, int]) -> dict[Position, Record]:
    """Return the record at each position."""
    records = between(log, positions, {source: at + 1 for source, at in positions.items()})
    return {(record.topic, record.partition): record for record in records}
