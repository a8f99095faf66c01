"""What do the operators get? Their parameter objects, made from the settings.

Every function raises ValueError with the message of the operator where a combination is not allowed;
`load_settings` calls them all, so that a settings tree that loaded makes all of them.
"""

from decimal import Decimal
from typing import Any

import msgspec

from flows.config.durations import ns
from flows.config.settings import InstrumentSection, Settings, StrategySection
from operators.account_leg import AccountLeg
from operators.instruments import INSTRUMENTS, Instrument, InstrumentTable
from operators.rules import RULES
from operators.rules.rule import Rule
from operators.simulated_venue import SimulatedVenue
from operators.sizing.sizer import Sizer
from operators.strategies import STRATEGIES
from operators.symbol_leg import StrategyInstance, SymbolParameters

NANOS = 1_000_000_000


def nanos(decimal: str) -> int:
    """Return an exact decimal of at most 9 places in units of 1e-9.

    >>> nanos("0.25")
    250000000
    """
    return int(Decimal(decimal) * NANOS)


def instrument_table(settings: Settings) -> InstrumentTable:
    """Return the built-in instruments with the configured ones before them."""
    configured = {symbol: _instrument(symbol, given) for symbol, given in settings.instruments.items()}
    return InstrumentTable(configured | {s: row for s, row in INSTRUMENTS.items() if s not in configured})


def strategy_instances(settings: Settings) -> tuple[StrategyInstance, ...]:
    """Return the enabled strategies, in the order of their names."""
    return tuple(
        StrategyInstance(
            name, ns(timeframe_of(settings, given)), _strategy(name, given), tuple(given.symbols)
        )
        for name, given in sorted(settings.strategies.items())
        if given.enabled
    )


def timeframe_of(settings: Settings, strategy: StrategySection) -> str:
    """Return the timeframe of a strategy: its own, else the first of the symbol leg."""
    return strategy.timeframe or settings.symbol_leg.timeframes[0]


def symbol_parameters(settings: Settings) -> SymbolParameters:
    """Return the parameters of the symbol leg."""
    leg = settings.symbol_leg
    return SymbolParameters(
        timeframes_ns=tuple(map(ns, leg.timeframes)),
        mark_interval_ns=ns(leg.mark_interval),
        bad_print_fraction=leg.bad_print_pct / 100.0,
        bad_print_reset_ns=ns(leg.bad_print_reset),
        held_rows=leg.held_rows,
        account=settings.account.id,
        strategies=strategy_instances(settings),
        regime=leg.regime,
    )


def rules(settings: Settings) -> dict[str, Rule]:
    """Return the risk rules by name, in the order of their registry."""
    return {name: getattr(settings.risk, name) for name in RULES}


def sizer(settings: Settings) -> Sizer:
    """Return the chosen sizer."""
    chosen: Sizer = getattr(settings.sizing, settings.sizing.kind)
    return chosen


def simulated_venue(settings: Settings) -> SimulatedVenue:
    """Return the simulated venue."""
    venue = settings.venue
    return SimulatedVenue(
        instruments=instrument_table(settings),
        name=venue.name,
        latency_ns=ns(venue.latency),
        participation=venue.participation,
        slippage=getattr(venue.slippage_models, venue.slippage),
        maker_bps=venue.maker_bps,
        taker_bps=venue.taker_bps,
    )


def account_leg(settings: Settings) -> AccountLeg:
    """Return the account leg: parameters and fold in one."""
    account = settings.account
    return AccountLeg(
        account=account.id,
        venue=simulated_venue(settings),
        instruments=instrument_table(settings),
        sizer=sizer(settings),
        rules=tuple(rules(settings).values()),
        style=account.orders,
        initial_cash_nanos=nanos(account.cash),
        par_currencies=tuple(account.par_currencies),
        resize_tolerance=account.resize_tolerance,
        report_interval_ns=ns(account.report_interval),
        day_offset_ns=ns(account.day_offset),
    )


def _strategy(name: str, given: Any) -> Any:
    try:
        return STRATEGIES[given.kind](**given.params)
    except ValueError as error:
        raise ValueError(f"strategies.{name}.params: {error}") from error


def _instrument(symbol: str, given: InstrumentSection) -> Instrument:
    fields = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    for name in ("tick_size", "lot_size"):
        if name in fields:
            fields[f"{name}_nanos"] = nanos(fields.pop(name))
    known = INSTRUMENTS.get(symbol)
    if known is not None:
        return Instrument(**{**msgspec.structs.asdict(known), **fields})
    lacking = [name for name in ("tick_size", "lot_size") if f"{name}_nanos" not in fields]
    if lacking:
        raise ValueError(
            f"instruments.{symbol} is not in the built-in table: it lacks {' and '.join(lacking)}"
        )
    return Instrument(**{"symbol": symbol, "venue": "SIM", "currency": "USD", **fields})
