"""The data that travels with the repository is what its README says, and small."""

import hashlib
import re

import pytest

from tests.unit.gateways.sessions import DATA, DEMO, ROOT

GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize("folder", [DEMO, DATA])
def test_hashes_and_sources_are_written_down(folder) -> None:
    said = dict(
        re.findall(
            r"^\| (\S+\.\S+) \|.*`([0-9a-f]{64})` \|$", (folder / "README.md").read_text(), re.MULTILINE
        )
    )
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "README.md" and path.is_file()
    }
    assert said == there


def test_under_five_megabytes() -> None:
    size = sum(p.stat().st_size for folder in (DEMO, DATA, GOLDEN) for p in folder.iterdir() if p.is_file())
    assert size < 5_000_000
