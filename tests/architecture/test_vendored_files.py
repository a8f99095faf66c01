"""Where does each vendored file come from? A README beside it names it, with source, licence and SHA-256."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.architecture.source_files import ROOT, repository_files

FOLDERS = ("infra/demo", "tests/golden")
DEMO_BYTES = 5_000_000


def vendored(*folders: str) -> list[Path]:
    """Data files in the folders, without their READMEs and without code."""
    inside = [path for path in repository_files() if any(path.is_relative_to(folder) for folder in folders)]
    return [path for path in inside if path.name != "README.md" and path.suffix != ".py"]


@pytest.mark.parametrize("path", vendored(*FOLDERS), ids=str)
def test_each_file_stands_in_its_readme_with_its_hash(path: Path) -> None:
    readme = ROOT / path.parent / "README.md"
    assert readme.exists(), f"{path.parent} has no README.md"
    digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
    rows = [line for line in readme.read_text(encoding="utf-8").splitlines() if path.name in line]
    assert any(digest in row for row in rows), (
        f"{path.parent}/README.md: no line has {path.name} and {digest}"
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_says_source_and_licence(folder: str) -> None:
    readmes = [
        path for path in repository_files() if path.name == "README.md" and path.is_relative_to(folder)
    ]
    assert readmes
    for path in readmes:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(r"\bsource", text, re.IGNORECASE), f"{path} does not say the source"
        assert re.search(r"\blicen[cs]e", text, re.IGNORECASE), f"{path} does not say the licence"


def test_the_demo_is_small() -> None:
    assert 0 < sum((ROOT / path).stat().st_size for path in vendored("infra/demo")) < DEMO_BYTES
