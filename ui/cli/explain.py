"""`titan explain`: why was an order sent, or not sent, and what became of it?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ui.cli.grouped import grouped
from ui.cli.options import ConfigOption, JsonOption, LogOption, open_to_read
from ui.cli.output import emit_json, write

if TYPE_CHECKING:
    from flows.explain import Explanation

EXAMPLES = (
    "Examples:\n\ntitan explain --last --log sqlite:///data/demo/titan.db\n\ntitan explain T4c782cd7 --json\n\n"
    "titan explain decision:sma_crossover:ES:60000000000:1378077540000000000\n\n"
    "titan explain --denied --out why_not.html"
)


class Which(NamedTuple):
    """What to explain."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Order id (its first letters do), signal, decision or execution id, or a place: TOPIC/PARTITION@N.",
        ),
    ] = ""
    last: Annotated[bool, typer.Option("--last", help="The newest order.")] = False
    denied: Annotated[bool, typer.Option("--denied", help="The newest decision against an order.")] = False
    account: Annotated[
        str | None, typer.Option("--account", metavar="A", help="Only of this account. Default: of any.")
    ] = None


class Shown(NamedTuple):
    """How to show it."""

    ticks: Annotated[
        int,
        typer.Option(
            "--ticks", min=0, max=10_000, metavar="N", help="Show the last N ticks before the close."
        ),
    ] = 0
    everything: Annotated[
        bool, typer.Option("--all", help="Show every feature, not only those decided on.")
    ] = False
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE.html", help="Write a page with the chart around the decision."),
    ] = None


@grouped
def explain(
    which: Which,
    shown: Shown,
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain an order: decision, rules, signal, features, bars, ticks; fills and profit; with places in the log.

    A denied decision or a signal without an order is explained as well. Exit code 5 where links do not fit each other.
    """
    told = _told(log, config, which, shown)
    if shown.out is not None:
        from ui.explain.page import write_page

        write_page(told, Path(shown.out))
    if as_json:
        from ui.explain.plain import plain

        emit_json(plain(told))
    elif shown.out is not None:
        write(shown.out)
    else:
        from ui.explain.outline import headline, outline
        from ui.explain.tree import tree_text

        write(tree_text(headline(told), outline(told, shown.everything)))
    _judge(told)


def _told(log: str | None, config: str | None, which: Which, shown: Shown) -> "Explanation":
    from flows.explain import Asked, NotInLog, explain
    from ui.cli.exits import UsageError

    if bool(which.name) + which.last + which.denied != 1:
        raise UsageError(
            "name one order, decision or signal, or give --last or --denied: titan explain --last"
        )
    asked = Asked(*which, ticks=shown.ticks, with_series=shown.out is not None)
    with open_to_read(config, log) as opened:
        try:
            return explain(opened, asked)
        except NotInLog as error:
            raise UsageError(str(error)) from error


def _judge(told: "Explanation") -> None:
    """Raise CheckFailed where the chain is not sound: what it says was shown already."""
    from ui.cli.exits import CheckFailed

    if not told.sound:
        wrong = sum(not fit.holds for fit in told.fits)
        raise CheckFailed(
            f"the chain is not sound: {wrong} of {len(told.fits)} comparisons do not fit, or a link is missing that "
            "should be there"
        )
