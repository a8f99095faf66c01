"""Which documents are there, and what do they link to and tell people to type?"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_files import ROOT, repository_files

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)


def documents() -> list[Path]:
    """Markdown files of the repository, relative to the root."""
    return [path for path in repository_files() if path.suffix == ".md"]


def links(path: Path) -> Iterator[str]:
    """Yield the targets of links and pictures outside code."""
    yield from _LINK.findall(_FENCE.sub("", _text(path)))


def anchors(path: Path) -> set[str]:
    """The anchors that a document's headings make, as code hosts make them."""
    headings = _HEADING.findall(_FENCE.sub("", _text(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(path: Path) -> str:
    """What stands in the document's fences."""
    return "\n".join(match.group(0) for match in _FENCE.finditer(_text(path)))


def _text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
