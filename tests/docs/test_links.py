"""Does every link in the documentation lead somewhere? Links inside the repository; the world's are the world's."""

from pathlib import Path

import pytest

from tests.architecture.source_files import ROOT
from tests.docs.markdown_files import anchors, documents, links


@pytest.mark.parametrize("path", documents(), ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [target for target in links(path) if "://" not in target and not _leads(path, target)]
    assert not broken


def test_every_decision_is_listed() -> None:
    folder = Path("docs/adr")
    listed = set(links(folder / "README.md"))
    decisions = {path.name for path in documents() if path.parent == folder and path.name != "README.md"}
    assert decisions and decisions <= listed


def _leads(path: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    there = (ROOT / path.parent / name).resolve() if name else ROOT / path
    if not there.is_relative_to(ROOT.resolve()) or not there.exists():
        return False
    return not anchor or anchor in anchors(there.relative_to(ROOT.resolve()))
