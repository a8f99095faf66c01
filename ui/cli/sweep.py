"""`titan backtest --sweep`: many sets of parameters over one pass of the market data."""

import os
from typing import TYPE_CHECKING, Any

from ui.amounts import money
from ui.cli.exits import UsageError
from ui.cli.output import note, table, write

if TYPE_CHECKING:
    from flows.backtest_settings import Asked
    from flows.config import Settings
    from flows.config.sources import Given
    from flows.connectors.history import History
    from flows.sweep import SweepSummary

_SHOWN = 20
_COLUMNS = ("total_return", "sharpe_ratio", "max_drawdown_intraday", "trades", "win_rate", "profit_factor")


def run_sweep(
    history: "History",
    asked: "Asked",
    swept: list[str],
    *,
    sort_by: str,
    config: str | None,
    recorded: "list[Given]",
) -> "SweepSummary":
    """Run every allowed set of the swept parameters."""
    from flows import stop
    from flows.sweep import cores, sweep
    from ui.cli.kernels import compile_first
    from ui.cli.progress import Bar

    sets, refused = _sets(history, asked, swept, config, recorded)
    note(f"{len(sets):,} sets of parameters, {refused:,} that the strategy does not allow")
    compile_first()
    stop.install()
    with Bar("sweep", "bars") as bar:
        summary = sweep(history, sets, sort_by, cores(), bar)
    summary.refused = refused
    return summary


def _sets(
    history: "History", asked: "Asked", swept: list[str], config: str | None, recorded: "list[Given]"
) -> "tuple[list[tuple[dict[str, str], Settings]], int]":
    """Return the allowed sets with their settings, and how many are not allowed."""
    import msgspec

    from flows.backtest_settings import backtest_settings, configured_strategies, strategy_kinds
    from flows.config import BadValue
    from flows.sweep import sets_of, sweeps_of

    configured = configured_strategies(config, os.environ, recorded)
    sweeps = sweeps_of(swept, strategy_kinds(configured, asked))
    found: list[tuple[dict[str, str], Settings]] = []
    refused: BadValue | None = None
    every = sets_of(sweeps)
    for one in every:
        more = tuple(f"{key}={value}" for key, value in one.items())
        wanted = msgspec.structs.replace(asked, sets=(*asked.sets, *more))
        try:
            settings = backtest_settings(
                config, os.environ, wanted, history.interval_ns, recorded, configured
            )
            found.append((one, settings))
        except BadValue as error:
            refused = error
    if not found:
        raise UsageError(f"--sweep: no set of parameters is allowed; the last one: {refused}")
    return found, len(every) - len(found)


def print_sweep(summary: "SweepSummary") -> None:
    """Print the best sets; --json has all of them."""
    faults = [row.fault for row in summary.sets if row.fault]
    rate = f"{summary.set_bars_per_s:,.0f} bars a second over all sets, {summary.processes} processes"
    write(f"{len(summary.sets):,} sets over {summary.bars:,} bars in {summary.wall_s:.2f} s ({rate})")
    if not summary.sets:
        return
    write("")
    names = list(summary.sets[0].parameters)
    columns = list(dict.fromkeys((summary.sorted_by, *_COLUMNS)))
    rows = [
        [
            *row.parameters.values(),
            money(row.metrics.equity_nanos),
            *(_rounded(getattr(row.metrics, name)) for name in columns),
        ]
        for row in summary.sets[:_SHOWN]
    ]
    table([*(name.rpartition(".")[2] for name in names), "final equity", *columns], rows)
    if len(summary.sets) > _SHOWN:
        note(f"the best {_SHOWN} by {summary.sorted_by}; --json prints all")
    if faults:
        note(f"warning: {len(faults):,} sets ended early, and stand last; the first of them: {faults[0]}")
    note("the best of many sets on one history is partly luck: judge it on data that it has not seen")


def _rounded(value: Any) -> Any:
    return f"{value:.4f}" if isinstance(value, float) else value
