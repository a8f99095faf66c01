"""What cannot be used becomes a sentence or a dead letter: files, symbols, and garbage in every topic."""

import shutil
import signal
from pathlib import Path

from tests.integration.conftest import References
from tests.integration.log_contents import (
    DERIVED,
    assert_same,
    copied,
    divided,
    events,
    made,
    records,
    written,
)
from tests.integration.runs import BAD_INPUT, DONE, ES, USAGE, Place, assert_says, stopped, wait_until


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "lacks.csv").write_text("time,open,high,low,volume\n2020-01-01,1,1,1,1\n")
    (tmp_path / "zone.csv").write_text("time,open,high,low,close,volume\n2020-01-01,1,1,1,1,1\n")
    (tmp_path / "short.parquet").write_bytes((tmp_path / "es.parquet").read_bytes()[:5000])
    cases = [
        (["empty.csv"], r"empty\.csv", "empty"),
        (["lacks.csv", "--symbol", "SPY"], r"lacks\.csv", "column", "close"),
        (["zone.csv", "--symbol", "SPY", "--interval", "1d", "--timezone", "Mars/Base"], "Mars/Base"),
        (["short.parquet"], r"short\.parquet"),
        (["nowhere.parquet"], r"nowhere\.parquet: no such file"),
    ]
    for arguments, *parts in cases:
        ended = place.run("ingest", *arguments, "--log", place.sqlite)
        assert ended.code in (USAGE, BAD_INPUT)
        assert_says(ended, ended.code, *parts)
    ended = place.run("demo", "--dir", "here", "--set", "gateway.files=nowhere.parquet")
    assert_says(ended, BAD_INPUT, r"nowhere\.parquet: no such file")
    ended = place.run(
        "flows.live", module="bytewax.run", TITAN__GATEWAY__FILES="nowhere.parquet", TITAN_LOG=place.sqlite
    )
    assert (
        ended.code == 1
        and "titan: nowhere.parquet: no such file" in ended.err
        and "Traceback" not in ended.err
    )


def test_a_symbol_that_nobody_knows(tmp_path: Path) -> None:
    place = Place(tmp_path)
    lines = ["time,open,high,low,close,volume"] + [f"2020-01-{day:02d},1,1,1,1,1" for day in range(1, 29)]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    ended = place.run("ingest", "x.csv", "--symbol", "WHO", "--interval", "1d", "--log", place.sqlite)
    assert ended.code == DONE and "no instrument is known for symbol WHO" in ended.err
    place.done("run", "--to-end", "--log", place.sqlite)
    letters = [
        event
        for lane, found in events(place.sqlite, DERIVED).items()
        if lane[0] == "dead_letters"
        for event in found
    ]
    assert {letter["reason"] for letter in letters} == {"unknown_symbol"}
    assert "[instruments.WHO]" in letters[0]["detail"]


GARBAGE = [
    b"", b"\x00", b"\xff" * 40, b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x63" + b"\x02" * 60,
    b'{"id": "json"}' * 5, None,
]  # fmt: skip
INPUTS = {
    "market_data": "symbol leg",
    "marks": "account leg",
    "trade_signals": "account leg",
    "risk_commands": "account leg",
}


def polluted(url: str) -> int:
    """Write garbage to every topic, under keys good and bad; return how many of the records will be read."""
    count = 0
    with made(url) as log, log.writer() as writer:
        for topic in log.topics():
            whole = next((record.value or b"" for record in records(log, topic)), b"\x00" * 40)
            for value in [*GARBAGE, whole[: len(whole) // 2], b"\x01" + whole[1:]]:
                for key in (b"ES", b"paper", b"\xff\xfe"):
                    writer.append(topic, key, value, 1)
                    concerns = key == b"paper" or topic in ("market_data", "marks")
                    count += topic in INPUTS and concerns
    return count


def test_garbage_in_every_topic(tmp_path: Path, url: str, reference: References) -> None:
    """Each becomes one dead letter, however often runs start; the rest is as if it had not been there."""
    expected, place = reference(ES), Place(tmp_path)
    run = ["run", "--to-end", "--log", url, "--set", f"run.recovery_dir={tmp_path}/recovery"]
    first, rest = divided(expected.market_data, 0.3)
    copied(first, url)
    count = polluted(url)
    with made(url) as log, log.writer() as writer:
        for record in rest:
            writer.append(record.topic, record.key, record.value, record.timestamp_ms)
    place.done(*run)
    count += polluted(url)
    place.done(*run)
    shutil.rmtree(tmp_path / "recovery")
    count += polluted(url)
    place.done(*run)
    found = events(url, DERIVED, garbage=True)
    letters = [event for lane, found_ in found.items() if lane[0] == "dead_letters" for event in found_]
    assert len(letters) == count > 200
    assert {letter["topic"] for letter in letters} == set(INPUTS)
    assert all(
        letter["detail"] and letter["reason"] in ("malformed", "unknown_symbol", "newer_version")
        for letter in letters
    )
    derived = [topic for topic in DERIVED if topic != "dead_letters"]
    assert assert_same(expected.events, found, derived, aside=("cause_offset", "cause_partition")) > 10_000


def test_a_run_that_tails_lives_on_through_garbage(tmp_path: Path, reference: References) -> None:
    expected, place = reference(ES), Place(tmp_path)
    process = place.start("run", "--log", place.sqlite)
    with made(place.sqlite) as log:
        first, rest = divided(expected.market_data, 0.5)
        copied(first, place.sqlite)
        wait_until(lambda: written(log, ["portfolio_updates"]) > 20, process)
        count = polluted(place.sqlite)
        with log.writer() as writer:
            for record in rest:
                writer.append(record.topic, record.key, record.value, record.timestamp_ms)
        wait_until(lambda: written(log, ["dead_letters"]) == count + 27, process)
        wait_until(lambda: written(log, ["risk_decisions"]) == expected.count("risk_decisions") + 27, process)
    assert stopped(process, signal.SIGTERM).code == DONE
