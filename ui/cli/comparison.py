"""How is a comparison of two runs printed? Tables of names, both values and the difference."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ui.cli.output import pairs, table, warn, write

if TYPE_CHECKING:
    from ui.report import Comparison


def print_comparison(said: "Comparison") -> None:
    """Print figures, counts, strategies, symbols and settings of both runs."""
    from ui.report.compare_words import CONTRIBUTION, contribution, row, setting

    pairs([("A", said.a.name), ("B", said.b.name)])
    for words in said.notes:
        warn(words)
    write("")
    table(("figure", "A", "B", "B - A"), _plain(map(row, said.metrics)), right_from=1)
    write("")
    table(("count", "A", "B", "B - A"), _plain(map(row, said.counts)), right_from=1)
    for name, rows in (("strategy", said.strategies), ("symbol", said.symbols)):
        if rows:
            write("")
            table((name, *CONTRIBUTION), _plain(map(contribution, rows)), right_from=1)
    write("")
    if not said.settings_known:
        write("settings: not both logs say what they were derived with")
    elif not said.settings:
        write("settings: equal")
    else:
        table(("setting", "A", "B"), map(setting, said.settings))


def _plain(rows: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """Return the rows with signs that a terminal, and whoever pastes from it, reads as a minus."""
    from ui.report.words import DASH, MINUS

    return [[cell.replace(MINUS, "-").replace(DASH, "-") for cell in cells] for cells in rows]
