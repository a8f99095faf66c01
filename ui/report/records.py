"""What does the log hold about one account's run? Every topic that a report needs, read once, start to end."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from flows.connectors.held import held
from flows.connectors.latest import newest
from flows.connectors.log import Log, Record
from schemas.account import Alert, DeadLetter, PortfolioUpdate
from schemas.block_codec import Rows
from schemas.codec import DecodeError, decode, decode_rows
from schemas.orders import ExecutionReport, RiskDecision, Signal, SubmitOrder

Key = tuple[str, int]
"""(symbol, timeframe in ns)"""
Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]


class Bars(msgspec.Struct, frozen=True):
    """Bars of one symbol and timeframe, oldest first: close times [n], columns open high low close volume [n, 5]."""

    close_ns: Longs
    quality: Longs
    prices: Doubles


class Regimes(msgspec.Struct, frozen=True):
    """Regime codes by bar: close times [n], codes [n]."""

    close_ns: Longs
    codes: Longs


class RunRecords(msgspec.Struct):
    """Events of one account in the order of the log, each once; bars and regimes of every symbol."""

    log: str
    identity: str
    account: str
    counts: dict[str, int]
    bars: dict[Key, Bars] = {}
    regimes: dict[Key, Regimes] = {}
    signals: list[Signal] = []
    decisions: list[RiskDecision] = []
    orders: list[SubmitOrder] = []
    reports: list[ExecutionReport] = []
    updates: list[PortfolioUpdate] = []
    alerts: list[Alert] = []
    dead_letters: list[DeadLetter] = []
    feature_set: str = ""
    unreadable: dict[str, int] = {}


def read_run(log: Log, account: str) -> RunRecords:
    """Read what concerns the account, and bars and regimes of all symbols.

    A topic that the log lacks is as an empty one; bad records are counted.

    Raises:
        LogError: the log cannot be read.
    """
    run = read_account(log, account)
    bars = [_columns(rows, _bar_columns) for rows in _blocks(log, "bars", run)]
    regimes = [_columns(rows, _regime_columns) for rows in _blocks(log, "regimes", run)]
    run.bars = {
        key: Bars(ints[:, 0], ints[:, 3], floats) for key, ints, floats in _series(bars) if len(floats)
    }
    run.regimes = {key: Regimes(ints[:, 0], ints[:, 3]) for key, ints, _ in _series(regimes)}
    run.feature_set = _feature_set(log) if "features" in run.counts else ""
    return run


def read_account(log: Log, account: str) -> RunRecords:
    """Read the account's own records, without bars and regimes.

    Raises:
        LogError: the log cannot be read.
    """
    counts = {name: sum(end - first for first, end in log.spans(name)) for name in sorted(log.topics())}
    run = RunRecords(log.url, log.identity(), account, counts)
    run.signals = _events(log, "trade_signals", run, Signal)
    run.decisions = _events(log, "risk_decisions", run, RiskDecision)
    run.orders = _events(log, "execution_requests", run, SubmitOrder)
    run.reports = _events(log, "execution_reports", run, ExecutionReport)
    run.updates = sorted(_events(log, "portfolio_updates", run, PortfolioUpdate), key=lambda u: u.seq)
    run.alerts = _events(log, "alerts", run, Alert)
    run.dead_letters = _events(log, "dead_letters", run, DeadLetter)
    return run


def _records(log: Log, topic: str, run: RunRecords) -> Iterator[Record]:
    if not run.counts.get(topic):
        return
    yield from (record for record in held(log, topic) if record.value is not None)


def _events(log: Log, topic: str, run: RunRecords, kind: type[Any]) -> list[Any]:
    """Return the topic's events of one kind, of the account where they name one, each id once."""
    found: dict[str, Any] = {}
    for record in _records(log, topic, run):
        try:
            event = decode(topic, record.value or b"")
        except DecodeError:
            run.unreadable[topic] = run.unreadable.get(topic, 0) + 1
            continue
        if isinstance(event, kind) and getattr(event, "account", run.account) == run.account:
            identity = event.client_order_id if isinstance(event, SubmitOrder) else event.id
            found.setdefault(identity, event)
    return list(found.values())


def _blocks(log: Log, topic: str, run: RunRecords) -> Iterator[Rows]:
    for record in _records(log, topic, run):
        try:
            yield decode_rows(topic, record.value or b"")
        except DecodeError:
            run.unreadable[topic] = run.unreadable.get(topic, 0) + 1


Columns = tuple[str, Longs, Doubles]


def _columns(rows: Rows, pick: Any) -> Columns:
    ints, floats = pick(rows)
    return rows.head["symbol"], np.stack(ints, axis=1), floats


def _bar_columns(rows: Rows) -> tuple[list[Longs], Doubles]:
    ints = [rows.column(name) for name in ("ts_event_ns", "timeframe_ns", "revision", "quality")]
    floats = [rows.column(name) for name in ("open", "high", "low", "close", "volume")]
    return ints, np.stack(floats, axis=1)


def _regime_columns(rows: Rows) -> tuple[list[Longs], Doubles]:
    ints = [rows.column(name) for name in ("ts_event_ns", "timeframe_ns", "revision", "regime")]
    return ints, np.zeros((len(rows.longs), 0))


def _series(blocks: list[Columns]) -> Iterator[tuple[Key, Longs, Doubles]]:
    """Yield the rows of every symbol and timeframe by close time, the last revision of each."""
    by_symbol: dict[str, list[Columns]] = {}
    for block in blocks:
        by_symbol.setdefault(block[0], []).append(block)
    for symbol in sorted(by_symbol):
        ints = np.concatenate([block[1] for block in by_symbol[symbol]])
        floats = np.concatenate([block[2] for block in by_symbol[symbol]])
        for timeframe in np.unique(ints[:, 1]).tolist():
            mine = np.flatnonzero((ints[:, 1] == timeframe) & np.isfinite(floats).all(axis=1))
            mine = mine[np.lexsort((ints[mine, 2], ints[mine, 0]))]
            last = np.append(np.diff(ints[mine, 0]) != 0, True)[: len(mine)]
            yield (symbol, timeframe), ints[mine[last]], floats[mine[last]]


def _feature_set(log: Log) -> str:
    for record in newest(log, "features"):
        try:
            return str(decode_rows("features", record.value or b"").head["feature_set"])
        except DecodeError:
            continue
    return ""
