"""Trades in a Parquet file, read by row groups and batches; never more than a batch of it in memory.

Columns by the names of ``headers.ALIASES``: time (timestamps, or epoch integers of any unit), price, size; optional
symbol, side (+1/-1, buy/sell, or buyer_is_maker), trade_id (integers) and received. Prices and sizes go on as they are,
NaN and negative ones too: normalisation refuses them. A row without a usable time has no place and is refused here.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.connectors.gateway import Reject
from flows.connectors.input_errors import InputError
from flows.connectors.recorded.headers import find_columns
from flows.connectors.recorded.lines import Refusals, content_hash
from flows.connectors.recorded.order import OrderCheck
from flows.connectors.recorded.settings import RecordedSettings, symbol_of
from flows.connectors.recorded.source import NEVER, Batch, Run, assign_slots, make_run
from flows.connectors.recorded.times import LATEST_NS, scale_of, wall_to_utc
from schemas.blocks import TRADES
from schemas.market import Doubles, Longs

BATCH_ROWS = 65_536
_BUYS = frozenset(("b", "buy", "buyer", "bid", "1"))
_SELLS = frozenset(("s", "sell", "seller", "ask", "-1"))
_NO_TIME = np.iinfo(np.int64).min


class _State(msgspec.Struct, frozen=True):
    """Rows read, and the newest time among them."""

    row: int = 0
    reached_ns: int = NEVER


class ParquetTrades:
    """A Parquet file of trades. InputError when made of another file, without the columns, or of unsorted rows."""

    heartbeat_ns = 0

    def __init__(self, path: str, settings: RecordedSettings) -> None:
        self.name = path
        content = content_hash(path)
        self.identity = settings.identity("trades", content)
        self._settings = settings
        self._disorder_ns = settings.disorder("trades")
        self._refusals = Refusals(path, content)
        with self._open() as file:
            schema = file.schema_arrow
            self._columns = find_columns(
                path, schema.names, ("time", "price", "size"),
                ("received", "symbol", "side", "buyer_is_maker", "trade_id"),
            )  # fmt: skip
            self._names = {meaning: schema.names[i] for meaning, i in self._columns.items()}
            if not file.metadata.num_rows:
                raise InputError(f"{path}: the file holds no rows")
            for meaning in ("price", "size"):
                kind = schema.field(self._columns[meaning]).type
                if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
                    raise InputError(
                        f"{path}: column {self._names[meaning]!r} holds {kind}, not numbers; cast it to double"
                    )
            self._symbol = settings.symbol or symbol_of(path)
            symbols = self._scan(file)
        self.venues = dict.fromkeys(sorted(symbols), settings.venue or "RECORDED")

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.name)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{self.name}: not a Parquet file, or a damaged one ({error}); "
                "fetch it again, or name its format by --format"
            ) from error

    def _scan(self, file: pq.ParquetFile) -> set[str]:
        """Return the symbols, having read the time and symbol columns alone; InputError where time mostly goes back."""
        wanted = [name for meaning, name in self._names.items() if meaning in ("time", "symbol")]
        order, symbols = OrderCheck(self.name, self._disorder_ns), set()
        for row, table in self._batches(file, wanted, 0):
            order.add(self._times(table, row), np.arange(row + 1, row + 1 + table.num_rows))
            symbols.update(self._symbols(table).unique().to_pylist())
        order.finish()
        known = {symbol.decode() for symbol in symbols if symbol and symbol.isascii()}
        if not known:
            raise InputError(f"{self.name}: no row names a symbol (ASCII); give one by --symbol")
        return known

    def _batches(
        self, file: pq.ParquetFile, columns: list[str], from_row: int
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield (index of its first row, batch), from row ``from_row`` on, which begins a batch."""
        row = 0
        for group in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row + rows <= from_row:
                row += rows
                continue
            try:
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
                    if row >= from_row:
                        yield row, batch
                    row += batch.num_rows
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise InputError(
                    f"{self.name}: row {row + 1}: damaged data in row group {group} ({error}); fetch the file again"
                ) from error

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """Batches of BATCH_ROWS rows at most; ``resume`` is a state as an earlier batch gave it."""
        state = resume or _State()
        with self._open() as file:
            for row, table in self._batches(file, list(self._names.values()), state.row):
                runs, rejects, reached = self._batch(table, row, state.reached_ns)
                state = _State(row + table.num_rows, reached)
                yield Batch(runs, rejects, reached - self._disorder_ns if reached != NEVER else NEVER, state)

    def _batch(
        self, table: pa.RecordBatch, row: int, reached: int
    ) -> tuple[list[Run], list[tuple[int, Reject]], int]:
        ts = self._times(table, row)
        symbols = self._symbols(table)
        bad = (ts <= 0) | (ts >= LATEST_NS)
        if "symbol" in self._names:
            names = pa.array([name.encode() for name in self.venues], pa.binary())
            bad |= ~pc.is_in(symbols, names).to_numpy(zero_copy_only=False)
        rejects: list[tuple[int, Reject]] = []
        slots = np.zeros(len(ts), np.int64)
        good = np.flatnonzero(~bad)
        slots[good], after = assign_slots(ts[good], reached, self._disorder_ns)
        if bad.any():
            newest = np.maximum(np.maximum.accumulate(np.where(bad, NEVER, ts)), reached)
            rejects = [(int(newest[i]), self._refuse(table, row, i)) for i in np.flatnonzero(bad).tolist()]
        columns = self._rows(table, ts, row)
        return self._runs(symbols, good, slots, columns), rejects, after

    def _refuse(self, table: pa.RecordBatch, row: int, i: int) -> Reject:
        shown = {name: _show(table.column(name), i) for name in table.schema.names}
        original = json.dumps(shown).encode()
        detail = "no time between 1970 and 2100, or no symbol in ASCII; the row has no place and is refused"
        return self._refusals.refuse(row + i + 1, "no_place", detail, original)

    def _runs(
        self, symbols: pa.DictionaryArray, good: Longs, slots: Longs, columns: tuple[Any, ...]
    ) -> list[Run]:
        names = symbols.dictionary.to_pylist()
        if len(names) == 1:
            if len(good) < len(slots):
                slots, columns = slots[good], tuple(column[good] for column in columns)
            return [make_run(names[0].decode(), TRADES, slots, columns)]
        codes = symbols.indices.fill_null(-1).to_numpy()[good]
        order = good[np.argsort(codes, kind="stable")]
        edges = np.searchsorted(np.sort(codes, kind="stable"), np.arange(len(names) + 1))
        runs = []
        for name, start, stop in zip(names, edges[:-1], edges[1:], strict=True):
            if stop > start:
                chosen = order[start:stop]
                runs.append(make_run(name.decode(), TRADES, slots[chosen], tuple(c[chosen] for c in columns)))
        return runs

    def _rows(self, table: pa.RecordBatch, ts: Longs, row: int) -> tuple[Any, ...]:
        delay = np.zeros(len(ts), np.int64)
        if "received" in self._names:
            received = self._times(table, row, "received")
            delay = np.where(received == _NO_TIME, 0, received - ts)
        numbers = self._numbers(table, "price"), self._numbers(table, "size")
        return (ts, delay, self._ids(table), self._sides(table), *numbers)

    def _numbers(self, table: pa.RecordBatch, meaning: str) -> Doubles:
        column = table.column(self._names[meaning])
        if not pa.types.is_float64(column.type):
            column = pc.cast(column, pa.float64(), safe=False)
        numbers: Doubles = column.to_numpy(zero_copy_only=False)
        return numbers

    def _symbols(self, table: pa.RecordBatch) -> pa.DictionaryArray:
        """Return each row's symbol as bytes (files need not keep their promise of UTF-8), dictionary-encoded."""
        if "symbol" not in self._names or self._settings.symbol:
            indices = pa.array(np.zeros(table.num_rows, np.int32))
            return pa.DictionaryArray.from_arrays(indices, pa.array([self._symbol.encode()], pa.binary()))
        column = table.column(self._names["symbol"])
        return _as_bytes(column).dictionary_encode()

    def _ids(self, table: pa.RecordBatch) -> Longs:
        name = self._names.get("trade_id")
        if name is None or not pa.types.is_integer(table.schema.field(name).type):
            return np.zeros(table.num_rows, np.int64)
        ids: Longs = table.column(name).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return ids

    def _sides(self, table: pa.RecordBatch) -> Longs:
        sides = np.zeros(table.num_rows, np.int64)
        if "side" in self._names:
            column = _as_bytes(table.column(self._names["side"]))
            said = [str(value or b"", "ascii", "replace").lower() for value in column.unique().to_pylist()]
            signs = np.array([1 if s in _BUYS else -1 if s in _SELLS else 0 for s in said])
            sides = signs[column.dictionary_encode().indices.fill_null(0).to_numpy(zero_copy_only=False)]
            sides = np.where(column.is_valid().to_numpy(zero_copy_only=False), sides, 0)
        elif "buyer_is_maker" in self._names:
            maker = table.column(self._names["buyer_is_maker"])
            if pa.types.is_boolean(maker.type):
                known = maker.is_valid().to_numpy(zero_copy_only=False)
                sides = np.where(maker.fill_null(False).to_numpy(zero_copy_only=False), -1, 1) * known
        return sides.astype(np.int64)

    def _times(self, table: pa.RecordBatch, row: int, meaning: str = "time") -> Longs:
        """Return ns since 1970 UTC [n], the smallest int64 where there is none."""
        name = self._names[meaning]
        column = table.column(name)
        kind = column.type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            stamps = pc.cast(column, pa.timestamp("ns", getattr(kind, "tz", None)), safe=False)
            ts: Longs = pc.cast(stamps, pa.int64()).fill_null(_NO_TIME).to_numpy(zero_copy_only=False)
            if getattr(kind, "tz", None) is None and self._settings.timezone != "UTC":
                known = ts != _NO_TIME
                ts = ts.copy()
                rows = np.flatnonzero(known) + row + 1
                ts[known] = wall_to_utc(ts[known], self._settings.timezone, self.name, rows)
            return ts
        if not pa.types.is_integer(kind):
            raise InputError(
                f"{self.name}: column {name!r} holds {kind}, not times; cast it to a timestamp or to epoch integers"
            )
        numbers: Longs = column.fill_null(_NO_TIME).to_numpy(zero_copy_only=False).astype(np.int64)
        scale = self._scale(name, numbers)
        usable = (numbers > 0) & (numbers <= LATEST_NS // scale)
        return np.where(usable, numbers * scale, _NO_TIME)

    def _scale(self, name: str, numbers: Longs) -> int:
        for ending, scale in (("_ns", 1), ("_us", 10**3), ("_ms", 10**6), ("_s", 10**9)):
            if name.lower().endswith(ending):
                return scale
        usable = numbers[numbers > 0]
        return scale_of(int(np.median(usable))) if len(usable) else 1


def _as_bytes(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        column = column.cast(pa.string())
    return column.cast(pa.binary())


def _show(column: pa.Array, row: int) -> str | None:
    """Return a value for a reject's JSON."""
    try:
        value = column[row].as_py()
    except (UnicodeDecodeError, ValueError, OverflowError):
        return "(unreadable)"
    return None if value is None else str(value)
