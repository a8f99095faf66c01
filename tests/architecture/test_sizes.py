"""Is every file one idea? Files of 300 lines, classes of 200, functions of 40 and 8 parameters.

A file may have up to 400 lines if a decision in docs/adr names it.
"""

import ast
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, ROOT, modules, tree

FILE, FILE_WITH_ADR, CLASS, FUNCTION, PARAMETERS = 300, 400, 200, 40, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_sizes(path: Path) -> None:
    too_large = [*_file(path)]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef) and _lines(node) > CLASS:
            too_large.append(
                f"{path}:{node.lineno}: class {node.name} has {_lines(node)} lines, more than {CLASS}"
            )
        if isinstance(node, Function):
            too_large += _function(path, node)
    assert not too_large, "give each part a name and a place of its own"


def _file(path: Path) -> list[str]:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    limit = FILE_WITH_ADR if _decided(path) else FILE
    return [f"{path}: {lines} lines, more than {limit}"] if lines > limit else []


def _decided(path: Path) -> bool:
    return any(f"`{path}`" in adr.read_text(encoding="utf-8") for adr in (ROOT / "docs/adr").glob("*.md"))


def _function(path: Path, node: Function) -> list[str]:
    where, found = f"{path}:{node.lineno}: {node.name}", []
    lines = _lines(node) - _docstring_lines(node)
    if lines > FUNCTION:
        found.append(f"{where} has {lines} lines without its docstring, more than {FUNCTION}")
    args = node.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    count = len([name for name in names if name not in ("self", "cls")])
    if count > PARAMETERS:
        found.append(
            f"{where} has {count} parameters, more than {PARAMETERS}: group them into a struct that has a name"
        )
    return found


def _lines(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(node: Function) -> int:
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1
