"""Do the settings fit each other? What no single key can tell."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.config.durations import ns
from flows.config.errors import BadValue
from flows.config.keys import Leaves, givers
from flows.config.parameters import (
    account_leg,
    instrument_table,
    rules,
    simulated_venue,
    sizer,
    symbol_parameters,
)
from flows.config.settings import Settings


def check(settings: Settings, placed: Leaves) -> None:
    """Raise BadValue where settings do not fit each other, naming the section and who set its keys."""
    parts = {
        "instruments": instrument_table,
        "strategies": symbol_parameters,
        "risk": rules,
        "sizing": sizer,
        "venue": simulated_venue,
        "account": account_leg,
    }
    for section, make in parts.items():
        try:
            make(settings)
        except ValueError as error:
            raise BadValue(f"section {section}: {error}{givers((section,), placed)}") from error
    _check_timeframes(settings)
    _check_zones(settings)


def _check_timeframes(settings: Settings) -> None:
    known = {ns(timeframe) for timeframe in settings.symbol_leg.timeframes}
    for name, strategy in settings.strategies.items():
        if strategy.enabled and strategy.timeframe and ns(strategy.timeframe) not in known:
            raise BadValue(
                f"strategies.{name}.timeframe = {strategy.timeframe}: no such bars are made; choose one of "
                f"symbol_leg.timeframes = {settings.symbol_leg.timeframes}, or add it there"
            )


def _check_zones(settings: Settings) -> None:
    zones = {"gateway.timezone": settings.gateway.timezone}
    for symbol, instrument in settings.instruments.items():
        if instrument.session_timezone is not None:
            zones[f"instruments.{symbol}.session_timezone"] = instrument.session_timezone
    for key, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadValue(
                f"{key} = {zone!r}: no such time zone; write a name such as 'America/Chicago'"
            ) from error
