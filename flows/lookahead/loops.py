"""Which loops stand around a line of Python, and what do they count with?"""

import ast
from functools import cache
from pathlib import Path

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@cache
def counters(file: str, line: int) -> tuple[tuple[str, ...], ...]:
    """Return the names that the loops around a line count with, a tuple a loop, the outermost first.

    Loops over literals, such as ``for window in (20, 50)``, do not count rows and are left out. A ``while`` counts with
    the names in its condition that its body assigns.
    """
    return tuple(names for first, last, names in _loops(file) if first <= line <= last)


@cache
def _loops(file: str) -> tuple[tuple[int, int, tuple[str, ...]], ...]:
    """Return (first line, last line, names) of every loop of a file, outer loops before those inside them."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    found = []
    for node in ast.walk(tree):  # breadth first
        names = _counts_with(node)
        if names:
            found.append((node.lineno, node.end_lineno or node.lineno, names))  # type: ignore[attr-defined]
    return tuple(found)


def _counts_with(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.For):
        return () if _is_literal(node.iter) else _names(node.target)
    if isinstance(node, _COMPREHENSIONS):
        return tuple(
            name for part in node.generators if not _is_literal(part.iter) for name in _names(part.target)
        )
    if isinstance(node, ast.While):
        assigned = {
            name.id
            for part in node.body
            for name in ast.walk(part)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        return tuple(name for name in _names(node.test) if name in assigned)
    return ()


def _names(node: ast.AST) -> tuple[str, ...]:
    return tuple(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return all(isinstance(argument, ast.Constant) for argument in node.args)
    return isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Constant)
