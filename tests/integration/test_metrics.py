"""What does a running process tell Prometheus? Scraped while it runs, parsed, and compared with what the log holds."""

import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from flows.connectors.log import Log
from tests.integration.log_contents import made, written
from tests.integration.runs import MADE_UP, UNREACHABLE, Place, assert_says, stopped, wait_until
from tests.servers.process import free_port

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(port: int, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def series(text: str) -> Series:
    """Return the value of every series of ours, by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("titan_")
    }


def listening(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_running_process_tells_what_it_does(tmp_path: Path, url: str) -> None:
    place, port = Place(tmp_path, MADE_UP), free_port()
    log = made(url)
    process = place.start(
        "demo",
        "--dir",
        "here",
        "--log",
        url,
        "--json",
        "--speed",
        "1000",
        "--set",
        f"run.metrics_port={port}",
    )
    wait_until(lambda: written(log, ["execution_reports"]) > 10, process)
    time.sleep(1.1)  # what the endpoint knows of the log's ends may be a second old
    first = series(scraped(port))
    assert_is_true(first, log)
    text = scraped(port)
    second = series(text)
    assert process.poll() is None
    for key, value in first.items():
        if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
            assert second[key] >= value, key
    assert_is_named_well(text)
    with socket.socket() as elsewhere:
        assert elsewhere.connect_ex(("127.0.0.2", port)) != 0, "it listens on 127.0.0.1 alone"
    assert stopped(process, signal.SIGTERM).code == 130
    assert not listening(port)


def assert_is_true(found: Series, log: Log) -> None:
    """What is told stands in the log, or will in a moment."""
    legs = {dict(labels)["leg"] for name, labels in found if name == "titan_event_timestamp_seconds"}
    assert legs == {"gateway", "symbol", "account"}
    for (name, labels), value in found.items():
        told = dict(labels)
        if name == "titan_records_written_total" and told["topic"] != "dead_letters":
            assert 0 < value <= written(log, [told["topic"]]), (name, told)
        if name == "titan_records_read_total":
            assert value <= written(log, [told["topic"]]), (name, told)
        if name == "titan_log_lag_records":
            assert 0 <= value <= written(log, [told["topic"]]), (name, told)
    assert found["titan_decisions_total", ()] > 0
    assert found["titan_orders_total", ()] >= found["titan_order_latency_seconds_count", ()] > 0
    assert found["titan_log_up", ()] == 1
    assert ("titan_snapshot_timestamp_seconds", (("leg", "account"),)) in found
    partitions = len(log.spans("market_data"))
    assert (
        sum(("topic", "market_data") in labels for name, labels in found if name == "titan_log_lag_records")
        == partitions
    )


def assert_is_named_well(text: str) -> None:
    """The rules of prometheus.io/docs/practices/naming, as far as a program can see them; `promtool` where it is."""
    ours = [family for family in text_string_to_metric_families(text) if family.name.startswith("titan_")]
    for family in ours:
        assert family.documentation and re.fullmatch(r"titan_[a-z]+(_[a-z]+)*", family.name), family
        assert len(family.samples) < 100, f"{family.name} has many series"
        assert {name for sample in family.samples for name in sample.labels} <= {
            "leg",
            "topic",
            "partition",
            "le",
        }
    if promtool := shutil.which("promtool"):
        subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=True)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path, MADE_UP)
    made(place.sqlite).close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = place.run("run", "--to-end", "--log", place.sqlite, "--set", f"run.metrics_port={port}")
    assert_says(ended, UNREACHABLE, str(port), r"give each its own by run\.metrics_port")


def test_bytewax_serves_them_too(tmp_path: Path) -> None:
    place, port = Place(tmp_path, MADE_UP), free_port()
    api = {"BYTEWAX_DATAFLOW_API_ENABLED": "1", "BYTEWAX_DATAFLOW_API_PORT": str(port)}
    settings = {"TITAN__RUN__EXPOSE_API": "true", "TITAN__GATEWAY__SPEED": "500", "TITAN_LOG": place.sqlite}
    process = place.start("flows.live", module="bytewax.run", **api, **settings)
    wait_until(lambda: listening(port) and "item_inp_count" in scraped(port), process)
    assert series(scraped(port))["titan_log_up", ()] == 1
    assert stopped(process, signal.SIGTERM).code == 0
