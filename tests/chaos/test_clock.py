"""A wall clock that is set back: with a library between Python, Bytewax and the system, where there is a C compiler."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.wall_clock import watched
from tests.integration.conftest import Reference
from tests.integration.log_contents import DERIVED, assert_same, copied, divided, events, made, written
from tests.integration.runs import ES, UNREACHABLE, Market, Place, assert_says, end_of, wait_until

BACK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static int (*real)(clockid_t, struct timespec *);
int clock_gettime(clockid_t id, struct timespec *at) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (id == CLOCK_REALTIME && !access(getenv("SET_BACK"), F_OK)) at->tv_sec -= 3600;
    return result;
}
"""


@pytest.fixture
def shim(tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose clock goes an hour back as soon as a file is there."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    (tmp_path / "back.c").write_text(BACK)
    made_by = [compiler, "-shared", "-fPIC", "-o", f"{tmp_path}/back.so", f"{tmp_path}/back.c", "-ldl"]
    subprocess.run(made_by, check=True)
    return {"LD_PRELOAD": f"{tmp_path}/back.so", "SET_BACK": f"{tmp_path}/set_back"}


def test_a_clock_that_is_set_back_ends_a_run_which_goes_on_after(
    tmp_path: Path, shim: dict[str, str], reference: Callable[[Market], Reference]
) -> None:
    expected, place = reference(ES), Place(tmp_path)
    first, rest = divided(expected.market_data, 0.3)
    copied(first, place.sqlite)
    log = made(place.sqlite)
    process = place.start("run", "--log", place.sqlite, **shim)
    wait_until(lambda: written(log, ["portfolio_updates"]) > 20, process, 60)
    Path(shim["SET_BACK"]).touch()
    assert_says(end_of(process, 30), UNREACHABLE, "the wall clock was set back by 3,600 s", "Start it again")
    copied(rest, place.sqlite)
    place.done("run", "--to-end", "--log", place.sqlite, **shim)
    assert assert_same(expected.events, events(place.sqlite), DERIVED) > 10_000


def test_only_a_clock_that_goes_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right, moved = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: right() + moved[0])
    told: list[float] = []
    with watched(0.01, told.append):
        for by in (3600.0, 3599.0, -10.0):
            time.sleep(0.1)
            moved[0] = by
        until = time.monotonic() + 10
        while not told and time.monotonic() < until:
            time.sleep(0.01)
    assert [round(seconds) for seconds in told] == [3609]
