"""How do rows become an HTML table? Headings, cells that sort by their exact value, a caption for readers aloud."""

from collections.abc import Iterable, Sequence
from html import escape

import msgspec

from flows.amounts import decimal_of
from ui.report.words import DASH, MINUS, money, percent


class Cell(msgspec.Struct, frozen=True):
    """What a cell shows; ``value`` is what it sorts by, ``tone`` colours it."""

    shown: str
    value: str = ""
    tone: str = ""
    numeric: bool = False
    note: str = ""


def amount(nanos: int, toned: bool = False) -> Cell:
    """Cell of an amount, with all decimals as its value; gains and losses in colour where ``toned``."""
    tone = ("gain" if nanos > 0 else "loss" if nanos < 0 else "") if toned else ""
    return Cell(money(nanos, plus=toned), decimal_of(nanos), tone, True, decimal_of(nanos))


def ratio(value: float | None, toned: bool = False, digits: int = 2) -> Cell:
    """Cell of a ratio in percent; empty for None."""
    if value is None:
        return Cell(DASH, "", "", True)
    tone = ("gain" if value > 0 else "loss" if value < 0 else "") if toned else ""
    return Cell(percent(value, plus=toned, digits=digits), repr(value), tone, True)


def count(value: int) -> Cell:
    """Cell of a whole number."""
    return Cell(f"{value:,}", str(value), "" if value else "zero", True)


def figure(shown: str, value: float) -> Cell:
    """Cell of any other number."""
    return Cell(shown, repr(value), "", True)


def plain(value: float | None) -> Cell:
    """Cell of a number with two decimals; empty for None."""
    return Cell(DASH, "", "", True) if value is None else figure(f"{value:,.2f}".replace("-", MINUS), value)


def text(shown: str, tone: str = "") -> Cell:
    """Cell of words."""
    return Cell(shown, "", tone)


Rows = Iterable[tuple[Sequence[Cell], str]]
"""Cells, and attributes of the row as HTML."""


def table(
    caption: str, headings: Sequence[str], rows: Rows, foot: Sequence[Cell] = (), sortable: bool = False
) -> str:
    """Return the table as HTML, in a box that scrolls sideways where there is no room."""
    listed = list(rows)
    numeric = [all(cells[i].numeric for cells, _ in listed) and bool(listed) for i in range(len(headings))]
    heads = "".join(
        f'<th scope="col"{" class=n" if is_number else ""}>{_heading(heading, sortable)}</th>'
        for heading, is_number in zip(headings, numeric, strict=True)
    )
    body = "".join(f"<tr{attributes}>{''.join(map(_td, cells))}</tr>" for cells, attributes in listed)
    feet = f"<tfoot><tr>{''.join(map(_td, foot))}</tr></tfoot>" if foot else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{' data-sortable' if sortable else ''}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>{feet}</table></div>"
    )


def _heading(heading: str, sortable: bool) -> str:
    return f'<button type="button">{escape(heading)}</button>' if sortable else escape(heading)


def _td(cell: Cell) -> str:
    classes = " ".join(filter(None, ("n" if cell.numeric else "", cell.tone)))
    attributes = f' class="{classes}"' if classes else ""
    if cell.value:
        attributes += f' data-v="{escape(cell.value)}"'
    if cell.note and cell.note != cell.shown:
        attributes += f' title="{escape(cell.note)}"'
    return f"<td{attributes}>{escape(cell.shown)}</td>"
