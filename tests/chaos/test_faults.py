"""What goes wrong around a run ends in one sentence that a person can act on; once it is put right, the run goes on.

No traceback, no page of Rust, the documented exit code, and nothing lost: where the cause can be taken away, the log is
then compared with that of a run that had no such trouble.
"""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schemas.account import JournalEntry
from schemas.codec import encode
from tests.integration.conftest import References
from tests.integration.log_contents import (
    assert_journal_is_whole,
    assert_same,
    copied,
    events,
    made,
    market_data,
    written,
)
from tests.integration.runs import (
    DONE,
    ES,
    UNREACHABLE,
    USAGE,
    Ended,
    Place,
    assert_says,
    end_of,
    stopped,
    wait_until,
)
from tests.servers.kafka import KafkaServer


@pytest.fixture
def ran(tmp_path: Path, reference: References) -> Place:
    """A place whose log holds a few minutes of market data and all that follows from them."""
    place = Place(tmp_path)
    copied(reference(ES).market_data[:2000], place.sqlite)
    place.done("run", "--to-end", "--log", place.sqlite)
    return place


def to_end(place: Place, *more: str, **environment: str) -> Ended:
    return place.run("run", "--to-end", "--log", place.sqlite, *more, **environment)


# the log


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    place = Place(tmp_path)
    away = ["--log", "kafka://127.0.0.1:1", "--set", "log.timeout_s=0.5"]
    for command in (["run", "--to-end"], ["demo", "--dir", "here"], ["ingest", "es.parquet"]):
        assert_says(
            place.run(*command, *away), UNREACHABLE, "kafka://127.0.0.1:1", "Is a broker listening there"
        )


def test_a_broker_killed_for_good(tmp_path: Path, own_kafka: KafkaServer) -> None:
    place = Place(tmp_path)
    url = f"kafka://{own_kafka.bootstrap}"
    log = made(url)
    process = place.start(
        "demo", "--dir", "here", "--log", url, "--speed", "1000", "--set", "log.flush_timeout_s=4"
    )  # slow enough that it can't be over before the broker is
    wait_until(lambda: written(log, ["marks"]) > 50, process)
    own_kafka.kill()
    assert_says(
        end_of(process, 30),
        UNREACHABLE,
        re.escape(url),
        "not acknowledged|cannot append|does not answer",
        "broker",
    )


@pytest.mark.xfail(raises=AssertionError, strict=False, reason="history may be doubled: docs/adr/0028")
def test_a_broker_that_is_killed_and_comes_back(
    tmp_path: Path, own_kafka: KafkaServer, reference: References
) -> None:
    """The run rides it out: nothing is lost and nothing is there twice."""
    expected, place = reference(ES), Place(tmp_path)
    url = f"kafka://{own_kafka.bootstrap}"
    log = made(url)
    process = place.start("demo", "--dir", "here", "--log", url, "--speed", ES.speed)
    wait_until(lambda: written(log, ["market_data"]) > len(expected.market_data) // 4, process)
    own_kafka.restart(kill=True)
    ended = end_of(process)
    assert ended.code == DONE, ended.err
    assert market_data(url) == expected.market_data
    assert assert_same(expected.events, events(url)) > 50_000
    assert_journal_is_whole(url)


def test_a_log_that_may_not_grow(tmp_path: Path, reference: References) -> None:
    expected, place = reference(ES), Place(tmp_path)
    live = ["demo", "--dir", "here", "--log", place.sqlite]
    for limit in (600_000, 2_000_000, 3_000_000):
        ended = place.run(*live, "--set", f"log.max_bytes={limit}")
        assert_says(ended, UNREACHABLE, "titan.db: cannot append", "disk is full", r"raise log\.max_bytes")
    place.done(*live)
    assert assert_same(expected.events, events(place.sqlite)) > 50_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.getuid()
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def resized(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_full_disk_under_the_log(tmp_path: Path, small_disk: Path, reference: References) -> None:
    expected, place = reference(ES), Place(tmp_path)
    live = ["demo", "--dir", "here", "--log", f"sqlite:///{small_disk}/titan.db"]
    assert_says(place.run(*live), UNREACHABLE, "titan.db: cannot append", "full|disk I/O error")
    resized(small_disk, "size=100m")
    place.done(*live)
    assert assert_same(expected.events, events(f"sqlite:///{small_disk}/titan.db")) > 50_000


def test_a_full_disk_under_the_recovery_store(
    tmp_path: Path, small_disk: Path, reference: References
) -> None:
    expected, place = reference(ES), Place(tmp_path)
    (small_disk / "filler").write_bytes(bytes(2_900_000))
    copied(expected.market_data, place.sqlite)
    run = ["--set", f"run.recovery_dir={small_disk}/store", "--set", "run.snapshot_interval_s=0.01"]
    assert_says(
        to_end(place, *run), UNREACHABLE, r"recovery store .*disk/store", "full|No space", "Free some space"
    )
    (small_disk / "filler").unlink()
    assert to_end(place, *run).code == DONE
    assert assert_same(expected.events, events(place.sqlite)) > 50_000


def test_a_folder_that_may_only_be_read(ran: Place, small_disk: Path) -> None:
    for file in ran.folder.glob("titan.db*"):
        shutil.copy(file, small_disk)
    resized(small_disk, "ro")
    here = ["--log", f"sqlite:///{small_disk}/titan.db", "--set", f"run.recovery_dir={ran.folder}/elsewhere"]
    assert_says(to_end(ran, *here), UNREACHABLE, "titan.db: cannot", "needs to write the file and its folder")
    assert "portfolio_updates" in ran.done("status", *here[:2]).out
    assert "because" in ran.done("explain", "--last", *here[:2]).out
    store = ["--set", f"run.recovery_dir={small_disk}/store"]
    assert_says(to_end(ran, *store), UNREACHABLE, "recovery store", "Read-only", r"set run\.recovery_dir")
    fresh = ["--log", f"sqlite:///{small_disk}/new.db"]
    assert_says(to_end(ran, *fresh), UNREACHABLE, "cannot open or create", "rights|needs to write")


def test_a_log_of_another_version(ran: Place) -> None:
    with closing(sqlite3.connect(ran.folder / "titan.db")) as db, db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'layout'")
    assert_says(
        to_end(ran), UNREACHABLE, "layout 99", "another version of Titan", "ingest again into a new log"
    )


@pytest.mark.parametrize(
    "content", [b"these are no pages of a database " * 500, None], ids=["text", "another database"]
)
def test_a_file_that_is_no_log(tmp_path: Path, content: bytes | None) -> None:
    place = Place(tmp_path)
    if content is None:
        with closing(sqlite3.connect(tmp_path / "titan.db")) as db, db:
            db.execute("CREATE TABLE cats (name)")
    else:
        (tmp_path / "titan.db").write_bytes(content)
    assert_says(to_end(place), UNREACHABLE, r"titan\.db", "not a (database|Titan log)", "Point --log at")


def test_a_log_replaced_under_its_recovery_store(ran: Place, reference: References) -> None:
    for file in ran.folder.glob("titan.db*"):
        file.unlink()
    copied(reference(ES).market_data[:1500], ran.sqlite)
    assert_says(to_end(ran), UNREACHABLE, "is not the log that the saved", "delete the recovery folder")
    shutil.rmtree(ran.folder / "recovery")
    assert to_end(ran).code == DONE


def test_a_journal_with_a_hole(ran: Place) -> None:
    shutil.rmtree(ran.folder / "recovery")
    with made(ran.sqlite) as log, log.writer() as writer:
        writer.append("account_journal", b"other", b"garbage of another", 1)
        entry = JournalEntry("paper:9999", "paper", 9999, 1, False, ())
        writer.append("account_journal", b"paper", encode(entry), 1)
    says = "entry 9999 of account paper stands where"
    assert_says(to_end(ran), UNREACHABLE, says, "Restore the log from a copy")


# the recovery store


@pytest.mark.parametrize("name", ["part-0.sqlite3", "settings.json"])
@pytest.mark.parametrize("where", [0, 20_000], ids=["head", "middle"])
def test_a_damaged_recovery_store(ran: Place, name: str, where: int) -> None:
    for leg in ("symbol", "account"):
        file = ran.folder / "recovery/titan" / leg / name
        whole = file.read_bytes()
        file.write_bytes(whole[:where] + os.urandom(12_000) + whole[where + 12_000 :])
    assert_says(to_end(ran), UNREACHABLE, "recovery/titan/symbol", "Delete the folder and run again")
    shutil.rmtree(ran.folder / "recovery")
    before = events(ran.sqlite)
    assert to_end(ran).code == DONE
    assert events(ran.sqlite) == before


def test_a_recovery_store_of_other_settings(ran: Place) -> None:
    ended = to_end(ran, "--set", "account.cash=5000", "--set", "symbol_leg.timeframes=1m")
    assert_says(ended, USAGE, "was derived with other settings", r"account\.cash was", "go back to them")
    mark = ran.folder / "recovery/titan/account/settings.json"
    mark.write_text(mark.read_text().replace('"cash"', '"money"'))
    assert_says(
        to_end(ran), USAGE, "recovery/titan/account", "other settings in: account", "delete the folder"
    )


def test_a_recovery_store_in_use(ran: Place) -> None:
    process = ran.start("run", "--log", ran.sqlite)
    wait_until((ran.folder / "recovery/titan/symbol-account/settings.json").exists, process)
    assert_says(
        ran.run("run", "--log", ran.sqlite), UNREACHABLE, "in use: another process", "Stop that one first"
    )
    taken = ran.run("command", "pause", "--reason", "it still runs", "--log", ran.sqlite)
    assert taken.code == DONE and "not taken" not in taken.out, taken
    assert stopped(process, signal.SIGTERM).code == DONE


# Bytewax's own API


def test_an_api_that_nobody_allowed(ran: Place) -> None:
    ended = to_end(ran, BYTEWAX_DATAFLOW_API_ENABLED="0")
    assert_says(ended, USAGE, "every network interface", r"Unset it, or allow that with run\.expose_api=true")


def test_an_api_whose_port_is_taken(ran: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        api = {"BYTEWAX_DATAFLOW_API_ENABLED": "1", "BYTEWAX_DATAFLOW_API_PORT": port}
        ended = to_end(ran, "--set", "run.expose_api=true", **api)
    assert_says(ended, UNREACHABLE, f"port {port}", "another process has it", "BYTEWAX_DATAFLOW_API_PORT")
    ended = to_end(ran, "--set", "run.expose_api=true", **api | {"BYTEWAX_DATAFLOW_API_PORT": "http"})
    assert_says(ended, USAGE, "'http': it must be a port")
    assert to_end(ran, "--set", "run.expose_api=true", **api).code == DONE
