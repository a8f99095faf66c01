"""How is a what-if told to people? What was set, what became of signals, orders and fills, and both accounts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ui.amounts import money
from ui.cli.output import moment, pairs, table, write

if TYPE_CHECKING:
    from flows.moves import Example, Moves
    from flows.what_if import Both, WhatIf
    from operators.performance import Metrics

_AMOUNTS = ("equity_nanos", "net_nanos", "fees_nanos", "slippage_nanos", "turnover_nanos")
_SHARES = ("total_return", "max_drawdown_intraday", "win_rate", "time_in_market")
_NUMBERS = ("sharpe_ratio", "profit_factor", "trades", "orders", "fills")


def print_what_if(found: "WhatIf") -> None:
    """Print a what-if."""
    write(f"{found.log}, account {found.account}, settings {found.settings}")
    if found.from_ns is not None or found.to_ns is not None:
        since = "the beginning" if found.from_ns is None else moment(found.from_ns)
        write(f"from {since} to {'the end' if found.to_ns is None else moment(found.to_ns)}")
    for text in _notes(found):
        write(f"note: {text}")
    write("")
    if found.changed:
        table(["key", "as it was", "what if"], [(c.key, str(c.before), str(c.after)) for c in found.changed])
        write("")
    table(
        ["", "as it was", "what if", "same", "changed", "gone", "new"],
        [_counts(name, getattr(found, name)) for name in ("signals", "orders", "fills")],
    )
    for name in ("signals", "orders", "fills"):
        _print_examples(name, getattr(found, name))
    write("")
    table(["", "as it was", "what if", "difference"], _figures(found.before, found.after))
    for title, rows in (("strategy", found.strategies), ("symbol", found.symbols)):
        if rows:
            write("")
            _print_shares(title, rows)


def _notes(found: "WhatIf") -> list[str]:
    notes = list(found.notes)
    if not found.changed:
        notes.append("nothing is set otherwise than it was")
    if found.commands:
        notes.append(f"{found.commands} commands of the run act at their place in event time, on both sides")
    if found.differs_from_record:
        topics = ", ".join(found.differs_from_record)
        notes.append(
            f"'as it was' is simulated, and differs from what is recorded in {topics}: by a real venue's fills, silent "
            "feeds or other code; titan replay --verify says where"
        )
    return notes


def _counts(name: str, one: "Moves") -> tuple[Any, ...]:
    return name, one.before, one.after, one.same, one.changed, one.gone, one.new


def _print_examples(name: str, one: "Moves") -> None:
    rows = [
        *((f"{name} changed", example) for example in one.first_changed),
        *((f"{name} gone", example) for example in one.first_gone),
        *((f"{name} new", example) for example in one.first_new),
    ]
    if rows:
        write("")
        pairs([(title, _example(example)) for title, example in rows])


def _example(one: "Example") -> str:
    who = f"{one.strategy} {one.symbol}"
    when = moment(one.ts_before_ns or one.ts_after_ns)
    if not one.before or not one.after:
        return f"{when}  {who}  {one.before or one.after}"
    later = f" ({moment(one.ts_after_ns)})" if one.ts_after_ns != one.ts_before_ns else ""
    return f"{when}  {who}  {one.before} -> {one.after}{later}"


def _figures(before: "Metrics", after: "Metrics") -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for name in _AMOUNTS:
        was, would = getattr(before, name), getattr(after, name)
        rows.append((name.removesuffix("_nanos"), money(was), money(would), money(would - was)))
    for name, shown in (*((name, _percent) for name in _SHARES), *((name, _number) for name in _NUMBERS)):
        was, would = getattr(before, name), getattr(after, name)
        difference = "" if was is None or would is None else shown(would - was)
        rows.append((name.replace("_", " "), shown(was), shown(would), difference))
    return rows


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _print_shares(title: str, rows: Sequence["Both"]) -> None:
    table(
        [title, "net as it was", "what if", "difference", "trades as it was", "what if"],
        [
            (
                row.name,
                money(row.net_nanos_before),
                money(row.net_nanos_after),
                money(row.net_nanos_after - row.net_nanos_before),
                row.trades_before,
                row.trades_after,
            )
            for row in rows
        ],
    )
