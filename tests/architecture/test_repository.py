"""Does the repository speak of the project alone? No package registry, no machine's path, nothing undone."""

import re
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, ROOT, repository_files, text_of

REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|test\.pypi|registry\.npmjs|registry\.yarnpkg|repo1?\.maven\b|repo\.maven\.apache"
    r"|index\.docker\.io|registry-1\.docker|ghcr\.io|crates\.io|proxy\.golang|--(extra-)?index-url"
)
MACHINE_PATH = re.compile(r"(?<![\w.}~-])/(work|root|home|Users)/\w")
UNDONE = re.compile(r"\b(TO[D]O|FIX[M]E|X{3}|HA[C]K)\b|\bNotImplemented" + r"Error\b")
STUB = re.compile(r"\bstu[b]s?\b|\bplaceholde[r]s?\b", re.IGNORECASE)
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b")
LARGEST = 5_000_000

TEXTS = [(path, text) for path in repository_files() if (text := text_of(path)) is not None]


@pytest.mark.parametrize(
    "pattern", [REGISTRY, MACHINE_PATH, UNDONE, SECRET], ids=["registry", "path", "undone", "secret"]
)
def test_no_file_says(pattern: re.Pattern[str]) -> None:
    assert not [hit for path, text in TEXTS for hit in _hits(pattern, path, text)]


def test_no_code_is_called_done_that_is_not() -> None:
    code = [(path, text) for path, text in TEXTS if path.suffix == ".py" and path.parts[0] in PACKAGES]
    assert not [hit for path, text in code for hit in _hits(STUB, path, text)]


def test_nothing_compiled_or_private_is_kept() -> None:
    kept = [
        str(path)
        for path in repository_files()
        if "__pycache__" in path.parts or path.suffix in (".pyc", ".db", ".pem")
    ]
    assert not kept


def test_no_file_is_large() -> None:
    large = [str(path) for path in repository_files() if (ROOT / path).stat().st_size > LARGEST]
    assert not large


def _hits(pattern: re.Pattern[str], path: Path, text: str) -> list[str]:
    lines = text.splitlines()
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]
