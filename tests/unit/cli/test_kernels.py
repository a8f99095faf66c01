"""Kernels that are missing are compiled before a run begins, once, and not where nothing is compiled."""

import pytest

from ui.cli import kernels


@pytest.mark.parametrize(
    ("present", "setting", "times"), [(True, "0", 0), (False, "0", 1), (False, "", 1), (False, "1", 0)]
)
def test_what_is_missing_is_compiled(
    present: bool,
    setting: str,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    compiled: list[bool] = []
    monkeypatch.setenv("NUMBA_DISABLE_JIT", setting)
    monkeypatch.setattr(kernels, "compiled", lambda: (None, present))
    monkeypatch.setattr(kernels.kernel_cache, "warm", lambda: compiled.append(True))
    kernels.compile_first()
    assert len(compiled) == times
    assert ("compiling" in capsys.readouterr().err) == bool(times)
