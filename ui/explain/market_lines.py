"""What does an explanation say of what the strategy saw? Regime, features, bars and ticks."""

from collections.abc import Iterator

from flows.explain.chain import BarRow, Explanation, Link, Missing, Tick, Ticks
from ui.explain.node import Node, missing
from ui.explain.words import REGIMES, at, duration, moment, number

_QUALITY = {
    0: "complete",
    1: "partial: a gap or the session's start lies in it",
    2: "repaired by backfilled data",
}
_SIDES = {1: "buyer-initiated", -1: "seller-initiated"}
_BARS_SHOWN = 3


def seen(told: Explanation, everything: bool, more: str) -> tuple[Node, ...]:
    """Return the lines below the signal."""
    return (_regime(told), _features(told, everything, more), _bar(told))


def _regime(told: Explanation) -> Node:
    if isinstance(told.regime, Missing):
        return missing("regimes", told.regime)
    row = told.regime.event
    said = f"{REGIMES.get(row.regime, row.regime)} volatility"
    if row.regime >= 0:
        said += f", above {100 * row.rank:.0f} % of the volatilities before it"
    return Node("regime", said, at(told.regime.place), link="regimes")


def _features(told: Explanation, everything: bool, more: str) -> Node:
    if isinstance(told.features, Missing):
        return missing("features", told.features)
    row = told.features.event
    named = set(told.signal.event.explanation) if isinstance(told.signal, Link) else set()
    ordered = sorted(row.values.items(), key=lambda pair: pair[0] not in named)
    shown = ordered if everything else [pair for pair in ordered if pair[0] in named] or ordered[:4]
    said = ", ".join(f"{name} {number(value)}" for name, value in shown)
    left = len(ordered) - len(shown)
    said += f" and {left} more ({more})" if left else ""
    return Node(
        "features",
        f"{said}; set {row.feature_set}, {row.warm:,} bars seen",
        at(told.features.place),
        link="features",
    )


def _bar(told: Explanation) -> Node:
    if isinstance(told.bar, Missing):
        return missing("bar", told.bar)
    row, place = told.bar.event, told.bar.place
    said = f"{duration(row.timeframe_ns)} to {moment(row.ts_event_ns)}: {_prices(row)}"
    if row.buy_volume or row.sell_volume:
        said += f" (bought {number(row.buy_volume)}, sold {number(row.sell_volume)})"
    said += f", {_QUALITY.get(row.quality, row.quality)}" if row.quality else ""
    return Node("bar", said, at(place), "", (*_before(told), _ticks(told.ticks, row)), "bar")


def _prices(row: BarRow) -> str:
    prices = " ".join(
        f"{name} {number(value)}" for name, value in zip("OHLC", (row.open, row.high, row.low, row.close))
    )
    return f"{prices}, volume {number(row.volume)}"


def _before(told: Explanation) -> Iterator[Node]:
    for link in reversed(told.bars_before[-_BARS_SHOWN:]):
        yield Node(
            "before it", f"to {moment(link.event.ts_event_ns)}: {_prices(link.event)}", at(link.place), "soft"
        )


def _ticks(ticks: Ticks | Missing, row: BarRow) -> Node:
    if isinstance(ticks, Missing):
        return missing("ticks", ticks)
    kind = "trades" if ticks.first.event.kind == "trade" else "vendor bars"
    said = f"{ticks.rows:,} {kind} in {ticks.messages:,} messages, volume {number(ticks.volume)}"
    if ticks.buy_volume or ticks.sell_volume:
        said += (
            f", bought {number(ticks.buy_volume)}, sold {number(ticks.sell_volume)}, as the venue flags them"
        )
    if not ticks.whole:
        said = (
            f"of {int(row.trades):,} trades the first and the last {ticks.rows:,} were read, the bar is long"
        )
    place = f"{at(ticks.first.place)} to {at(ticks.last.place)}"
    ends = [("first", ticks.first), ("high", ticks.high), ("low", ticks.low), ("last", ticks.last)]
    lines = [_tick(name, link) for name, link in ends if link is not None]
    if ticks.around_close:
        lines += [_tick("to the close", link) for link in ticks.around_close]
    lines += [
        Node("refused", f"{link.event.reason}: {link.event.detail}", at(link.place), "soft")
        for link in ticks.refused
    ]
    return Node("ticks", said, place, "", tuple(lines), "ticks")


def _tick(name: str, link: Link[Tick]) -> Node:
    tick = link.event
    price = {"high": tick.high, "low": tick.low}.get(name, tick.price)
    side = f", {_SIDES[tick.side]}" if tick.side in _SIDES else ""
    return Node(
        name, f"{number(price)} x {number(tick.size)}{side}, {moment(tick.ts_event_ns)}", at(link.place)
    )
