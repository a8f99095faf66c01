"""What does a backtest run with? The configuration, a few short words of its own, and defaults that fit bars.

Where the input is bars and ``venue.latency`` is not set, orders take no time: one decided at a bar's close fills at the
next bar's open, as in other backtesters; a latency below the bars' length could not be seen in them anyway, and would
put the fill at the next close. Where no timeframe is set, it is that of the input's bars.
"""

from collections.abc import Mapping, Sequence

import msgspec

from flows.config import ConfigError, Settings, load_settings, text
from flows.config.keys import nearest
from flows.config.settings import StrategySection
from flows.config.sources import Given, Origin, Text
from operators.strategies import STRATEGIES

_REPORT_INTERVAL = "1h"


class Asked(msgspec.Struct, frozen=True):
    """What was asked for in short; None and empty are as configured.

    ``sets`` are KEY=VALUE texts: dotted keys of the configuration, or a bare parameter of the asked strategy.
    """

    strategies: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    timeframe: str | None = None
    cash: str | None = None
    fees_bps: str | None = None
    slippage: str | None = None


def backtest_settings(
    config: str | None,
    environ: Mapping[str, str],
    asked: Asked,
    interval_ns: int,
    recorded: Sequence[Given] = (),
    configured: Mapping[str, StrategySection] | None = None,
) -> Settings:
    """Return the settings of a backtest over bars of ``interval_ns`` (0: other data).

    ``recorded`` are the settings of the log that is backtested: they beat file and environment; ``asked`` beats them.
    ``configured`` are the strategies that these know, where the caller has asked for them already.

    Raises:
        ConfigError: a key or value is not allowed, or a bare parameter fits no strategy or several.
    """
    if configured is None:
        configured = configured_strategies(config, environ, recorded)
    given = [*recorded, *_chosen(asked, list(configured)), *_short(asked)]
    kinds = strategy_kinds(configured, asked)
    given += [full_key(one, kinds) for one in asked.sets]
    return load_settings(config, environ, given, _usual(interval_ns))[0]


def configured_strategies(
    config: str | None, environ: Mapping[str, str], recorded: Sequence[Given] = ()
) -> dict[str, StrategySection]:
    """Return the strategies that configuration and recorded settings know, by name."""
    return load_settings(config, environ, list(recorded))[0].strategies


def strategy_kinds(configured: Mapping[str, StrategySection], asked: Asked) -> dict[str, str]:
    """Return the kinds of the strategies that will run, by name."""
    names = asked.strategies or tuple(name for name, one in configured.items() if one.enabled)
    return {name: configured[name].kind if name in configured else name for name in names}


def full_key(given: str, kinds: Mapping[str, str]) -> str:
    """Return KEY=VALUE with a dotted key; a bare parameter is that of the only strategy (name -> kind) that has it.

    >>> full_key("fast=10", {"sma_crossover": "sma_crossover"})
    'strategies.sma_crossover.params.fast=10'

    Raises:
        ConfigError: no strategy has it, or several do.
    """
    key, equals, value = given.partition("=")
    if not equals or "." in key:
        return given
    parameter = key.strip()
    having = [name for name, kind in kinds.items() if parameter in parameters_of(kind)]
    if len(having) == 1:
        return f"strategies.{having[0]}.params.{parameter}={value}"
    if having:
        raise ConfigError(
            f"{given}: {' and '.join(having)} have a parameter {parameter}; write strategies.{having[0]}.params.{given}"
        )
    known = "; ".join(f"{name} has {', '.join(parameters_of(kind))}" for name, kind in kinds.items())
    raise ConfigError(
        f"{given}: no strategy here has a parameter {parameter}: {known or 'no strategy is enabled'}"
    )


def parameters_of(kind: str) -> tuple[str, ...]:
    """Return the parameters that a kind of strategy takes; none for an unknown kind."""
    return STRATEGIES[kind].__struct_fields__ if kind in STRATEGIES else ()  # type: ignore[attr-defined]


def _chosen(asked: Asked, configured: list[str]) -> list[Given]:
    """Return what enables the asked strategies and no other."""
    if not asked.strategies:
        return []
    known = dict.fromkeys((*configured, *STRATEGIES))
    for name in asked.strategies:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"--strategy {name}: there is no such strategy: {hint}")
    names = dict.fromkeys((*configured, *asked.strategies))
    origin = Origin("flag", "--strategy")
    return [
        Given(("strategies", name, "enabled"), Text(str(name in asked.strategies).lower()), origin)
        for name in names
    ]


def _short(asked: Asked) -> list[Given]:
    words = (
        ("--timeframe", ("symbol_leg", "timeframes"), asked.timeframe and f'["{asked.timeframe}"]'),
        ("--cash", ("account", "cash"), asked.cash),
        ("--fees-bps", ("venue", "maker_bps"), asked.fees_bps),
        ("--fees-bps", ("venue", "taker_bps"), asked.fees_bps),
        ("--slippage", ("venue", "slippage"), asked.slippage),
    )
    return [Given(path, Text(value), Origin("flag", flag)) for flag, path, value in words if value]


def _usual(interval_ns: int) -> list[Given]:
    """Return what a backtest has otherwise where nobody said anything."""
    origin = Origin("default", "backtest")
    usual = [Given(("account", "report_interval"), Text(_REPORT_INTERVAL), origin)]
    if interval_ns:
        usual.append(Given(("venue", "latency"), Text("0s"), origin))
        usual.append(Given(("symbol_leg", "timeframes"), Text(f'["{text(interval_ns)}"]'), origin))
    return usual
