"""Is every registry a literal dict that grep finds, in the `__init__` of its package or the file of its idea?"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, modules, tree

REGISTRIES: dict[str, str] = {
    "operators/features/__init__.py": "FEATURES",
    "operators/regime.py": "REGIMES",
    "operators/rules/__init__.py": "RULES",
    "operators/sizing/__init__.py": "SIZERS",
    "operators/slippage.py": "SLIPPAGE",
    "operators/strategies/__init__.py": "STRATEGIES",
}
WITH_REGISTRIES = sorted(
    {path for path in modules(*PACKAGES) if path.name == "__init__.py"} | set(map(Path, REGISTRIES))
)


@pytest.mark.parametrize(("file", "name"), REGISTRIES.items())
def test_the_registries_are_where_they_are_looked_for(file: str, name: str) -> None:
    names = {found for found, _ in _tables(Path(file))}
    assert name in names


@pytest.mark.parametrize("path", WITH_REGISTRIES, ids=str)
def test_a_registry_is_a_literal_dict(path: Path) -> None:
    for name, value in _tables(path):
        assert isinstance(value, ast.Dict), f"{path}: {name} is not a literal dict"
        keys = [
            key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
        assert len(keys) == len(value.keys), f"{path}: the keys of {name} are not all literal names"
        assert len(keys) == len(set(keys)), f"{path}: {name} names something twice"


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_nothing_registers_itself_at_import(path: Path) -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if "register" in ast.unparse(decorator)
    ]
    metaclasses = [
        f"{path}:{node.lineno}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and any(keyword.arg == "metaclass" for keyword in node.keywords)
    ]
    assert not wrong + metaclasses


def _tables(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Yield name and value of each module-level `NAME: dict[...] = ...`."""
    for node in tree(path).body:
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            continue
        name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
        if name.isupper() and kind.startswith(("dict[", "Mapping[", "Final[dict[")):
            yield name, node.value
