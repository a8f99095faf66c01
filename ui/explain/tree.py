"""How is an outline shown? As a tree: in colour on a terminal, plain and unbroken where it is piped."""

import sys

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ui.explain.node import Node

_STYLES = {"good": "green", "bad": "bold red", "soft": "dim"}
_UNBROKEN = 10_000


def tree_text(headline: str, node: Node) -> str:
    """Return the headline and the tree, drawn with what stdout can show."""
    on_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, width=None if on_terminal else _UNBROKEN)
    with console.capture() as drawn:
        console.print(Text(headline, "bold"))
        console.print(_tree(node), end="")
    return drawn.get().rstrip("\n")


def _tree(node: Node) -> Tree:
    tree = Tree(_line(node), guide_style="dim")
    _grow(tree, node)
    return tree


def _grow(tree: Tree, node: Node) -> None:
    for child in node.children:
        _grow(tree.add(_line(child)), child)


def _line(node: Node) -> Text:
    style = _STYLES.get(node.tone, "")
    line = Text(f"{node.name}: ", style=style or "bold")
    line.append(node.text, style if node.tone != "good" else "")
    if node.place:
        line.append(f"  [{node.place}]", "cyan dim")
    return line
