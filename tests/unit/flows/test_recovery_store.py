"""When is a recovery store fit for a run, and what is done about it where it is not?"""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow
from bytewax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from bytewax.recovery import RecoveryConfig
from bytewax.testing import TestingSink

from flows.config import ConfigError
from flows.recovery_store import StoreError, opened

SETTINGS: dict[str, object] = {"strategies": {"a": 1}, "venue": {"name": "SIM"}}


def snapshots(folder: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as db:
        return db.execute("SELECT step_id, snap_epoch FROM snaps ORDER BY snap_epoch, step_id").fetchall()


class _Numbers(StatefulSourcePartition[int, int]):
    def __init__(self, at: int | None, ends_at: int) -> None:
        self._next, self._ends_at = at or 0, ends_at

    def next_batch(self) -> list[int]:
        if self._next == self._ends_at:
            raise AbortExecution
        self._next += 1
        return [self._next]

    def snapshot(self) -> int:
        return self._next


class _Source(FixedPartitionedSource[int, int]):
    def __init__(self, ends_at: int) -> None:
        self._ends_at = ends_at

    def list_parts(self) -> list[str]:
        return ["one"]

    def build_part(self, _step: str, _part: str, at: int | None) -> _Numbers:
        return _Numbers(at, self._ends_at)


def count_to(number: int, folder: Path) -> list[int]:
    """Run until a number is said, an epoch a number; the run then dies."""
    said: list[Any] = []
    flow = Dataflow("flow")
    op.output("out", op.input("in", flow, _Source(number)), TestingSink(said))
    cli_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(folder))
    return said


def test_snapshots_of_an_unfinished_epoch_are_forgotten(tmp_path: Path) -> None:
    """Bytewax would take them for its own as soon as it had passed that epoch."""
    with opened(tmp_path / "s", SETTINGS) as folder:
        count_to(5, folder)
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as db, db:
        (resumes_at,) = db.execute("SELECT max(worker_frontier) FROM fronts").fetchone()
        for epoch in (resumes_at - 1, resumes_at, resumes_at + 3):
            db.execute("INSERT INTO snaps VALUES (0, 'left', 'a', ?, x'00')", (epoch,))
    with opened(folder, SETTINGS):
        assert [epoch for step, epoch in snapshots(folder) if step == "left"] == [resumes_at - 1]
        assert all(epoch < resumes_at for _, epoch in snapshots(folder))


def test_a_new_store_has_nothing_to_forget(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path / "deep" / "s", SETTINGS) as folder:
            assert snapshots(folder) == []
    assert count_to(2, folder) == [1, 2]


def test_a_store_that_was_being_made_when_the_process_died_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "part-0.sqlite3").write_bytes(b"half")
    (tmp_path / "settings.json.new").write_bytes(b"{")
    with opened(tmp_path, SETTINGS) as folder:
        assert count_to(2, folder) == [1, 2]


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    with opened(tmp_path, SETTINGS):
        pass
    with (
        pytest.raises(ConfigError, match=r"other settings in: venue\..*settings\.json"),
        opened(tmp_path, SETTINGS | {"venue": 1}),
    ):
        pass


@pytest.mark.parametrize("mine", [2, None])
def test_a_store_whose_state_has_another_shape_is_to_be_rebuilt(tmp_path: Path, mine: int | None) -> None:
    with opened(tmp_path, SETTINGS | {"account_state": 1}):
        pass
    with (
        pytest.raises(StoreError, match="another version of Titan kept it. Delete the folder and run again"),
        opened(tmp_path, SETTINGS | {"account_state": mine}),
    ):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path, SETTINGS),
        pytest.raises(StoreError, match="is in use: another process runs this flow"),
        opened(tmp_path, SETTINGS),
    ):
        pass
    with opened(tmp_path, SETTINGS):
        pass


@pytest.mark.parametrize("name", ["settings.json", "part-0.sqlite3"])
def test_a_damaged_store_says_how_to_go_on(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, SETTINGS):
        pass
    (tmp_path / name).write_bytes(b"garbage" * 100)
    expected = f"{name}: .*Delete the folder and run again: the state is rebuilt from the log"
    with pytest.raises(StoreError, match=expected), opened(tmp_path, SETTINGS):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match=r"Not a directory.*set run\.recovery_dir"),
        opened(tmp_path / "file" / "s", SETTINGS),
    ):
        pass
