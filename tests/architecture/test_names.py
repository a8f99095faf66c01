"""Are files and classes named by the field's words? Words that could stand on anything stand on nothing."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, modules, tree

WORDS = {
    "utils", "util", "helpers", "helper", "common", "manager", "misc", "base2", "stuff", "handler", "handlers",
    "processor", "engine", "info", "orchestrator",
}  # fmt: skip
CLASS_WORDS = WORDS | {"item", "object", "wrapper", "abstract"}


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_files_and_classes_are_named_by_a_noun_of_the_field(path: Path) -> None:
    empty = [str(path)] if WORDS & set(path.stem.split("_")) else []
    empty += [
        f"{path}:{node.lineno}: {node.name}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and CLASS_WORDS & set(_words(node.name))
    ]
    assert not empty


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_every_file_says_what_it_answers(path: Path) -> None:
    assert ast.get_docstring(tree(path)), f"{path} has no docstring"


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name)]
