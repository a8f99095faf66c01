"""Which column is which? Names that people and vendors give to the same thing, lower case, blanks as underscores."""

from collections.abc import Sequence

from flows.connectors.input_errors import InputError

ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "ts_event_ns", "ts_event", "timestamp_ns", "timestamp_us", "timestamp_ms", "timestamp_s", "timestamp", "ts",
        "datetime", "date_time", "open_time", "date", "time",
    ),
    "clock": ("time", "time_of_day"),
    "received": ("ts_recv_ns", "ts_recv", "recv_ns", "received_ns", "local_timestamp"),
    "symbol": ("symbol", "ticker", "instrument", "instrument_id"),
    "price": ("price", "px", "trade_price", "p"),
    "size": ("size", "qty", "quantity", "amount", "volume", "trade_size", "q"),
    "side": ("side", "aggressor_side", "aggressor", "taker_side"),
    "buyer_is_maker": ("is_buyer_maker", "buyer_is_maker", "m"),
    "trade_id": ("trade_id", "id", "agg_trade_id", "tradeid", "match_id"),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "vol", "v", "base_volume"),
}  # fmt: skip
"""What a column means -> its names, the most telling first."""


def find_columns(
    path: str, found: Sequence[str], wanted: tuple[str, ...], optional: tuple[str, ...], hint: str = ""
) -> dict[str, int]:
    """Return the index of each meaning's column.

    Raises InputError, naming found and wanted columns, where one that is wanted is not there.
    """
    names = [name.strip().strip('"').lower().replace(" ", "_") for name in found]
    columns: dict[str, int] = {}
    for meaning in (*wanted, *optional):
        match = next((names.index(alias) for alias in ALIASES[meaning] if alias in names), None)
        if match is not None and match not in columns.values():
            columns[meaning] = match
    missing = [meaning for meaning in wanted if meaning not in columns]
    if missing:
        shown = [name.strip() for name in found]
        if not all(name.isprintable() and "\ufffd" not in name for name in shown):
            raise InputError(f"{path}: row 1 is not text, so it names no columns: save it as csv in UTF-8")
        listed = ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
        asked = "; ".join(f"{meaning} ({' | '.join(ALIASES[meaning])})" for meaning in missing)
        raise InputError(
            f"{path}: row 1: missing column {', '.join(missing)}. Found: {listed}. Wanted: {asked}. "
            + (hint or "Rename the columns, or add them")
        )
    return columns
