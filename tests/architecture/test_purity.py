"""Is time data? In schemas and operators nothing reads a clock, a file, the environment or a dice, or hides an error.

Imports are the business of test_imports; here stand the calls that need none, or that a permitted module offers.
"""

import ast
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, PURE, modules, tree

BUILTINS = {"open", "input", "print", "eval", "compile", "__import__", "globals", "breakpoint"}
METHODS = {
    "now",
    "utcnow",
    "today",
    "default_rng",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "tofile",
    "fromfile",
}
ATTRIBUTES = {("np", "random"), ("numpy", "random"), ("np", "save"), ("np", "load"), ("np", "memmap")}
READS_SCHEMAS = Path("schemas/avro_files.py")
GENERATES_CODE = Path("schemas/record_codec.py")


@pytest.mark.parametrize("path", modules(*PURE), ids=str)
def test_nothing_reaches_out(path: Path) -> None:
    found = [f"{path}:{line}: {what}" for line, what in _reaches(tree(path))]
    if path == READS_SCHEMAS:
        assert [what.rpartition(" ")[2] for what in found] == ["read_text"], (
            "this module reads the package's schemas, no more"
        )
    else:
        assert not found


@pytest.mark.parametrize("path", modules(*PURE), ids=str)
def test_only_the_codec_generates_code(path: Path) -> None:
    lines = [node.lineno for node in ast.walk(tree(path)) if _name_called(node) == "exec"]
    assert not lines or path == GENERATES_CODE, f"{path}: exec in lines {lines}"


@pytest.mark.parametrize("path", modules(*PURE), ids=str)
def test_the_core_catches_only_what_it_names(path: Path) -> None:
    broad = [f"{path}:{node.lineno}" for node in _handlers(path) if _is_broad(node) and not _only_names(node)]
    assert not broad, "a data fault is a value, a bug is a crash: name the error"


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_no_error_is_swallowed(path: Path) -> None:
    swallowed = [
        f"{path}:{node.lineno}"
        for node in _handlers(path)
        if _is_broad(node) and all(isinstance(part, ast.Pass | ast.Continue) for part in node.body)
    ]
    assert not swallowed


def _reaches(module: ast.Module) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(module):
        if _name_called(node) in BUILTINS:
            found.append((node.lineno, f"calls {_name_called(node)}"))
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS
        ):
            found.append((node.lineno, f"calls {node.func.attr}"))
        elif isinstance(node, ast.Attribute) and (ast.unparse(node.value), node.attr) in ATTRIBUTES:
            found.append((node.lineno, f"uses {ast.unparse(node)}"))
    return found


def _name_called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _handlers(path: Path) -> list[ast.ExceptHandler]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]


def _only_names(node: ast.ExceptHandler) -> bool:
    """Says whose error it is, and lets it go on: raise ... from error, and nothing else."""
    return len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and node.body[0].cause is not None


def _is_broad(node: ast.ExceptHandler) -> bool:
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
        for kind in caught
    )
