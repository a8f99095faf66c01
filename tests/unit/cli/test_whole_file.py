"""A file that cannot be written wholly is not there, and the error names it."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui.cli.exits import report
from ui.whole_file import write_whole


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 4096 bytes, as a full disk does."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "new" / "page.html"
    write_whole(page, "first")
    with pytest.raises(OSError) as found:
        write_whole(page, "x" * 10_000)
    assert [path.name for path in page.parent.iterdir()] == ["page.html"] and page.read_text() == "first"
    report(found.value)
    assert capsys.readouterr().err == f"titan: {page}: File too large\n"
