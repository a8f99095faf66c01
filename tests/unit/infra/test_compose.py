"""Does docker-compose.yml promise what docs/reliability.md says, as far as can be told without an engine?

`docker compose config` checks it too, where there is one.
"""

import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from tests.architecture.source_files import ROOT
from ui.cli.app import app

FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
RUNNING = [name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"]
DOCKERFILE = (ROOT / "infra/Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_and_reached_from_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", []))
    assert "privileged" not in service and "network_mode" not in service


def test_no_two_services_want_the_same_port() -> None:
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == sorted(set(ports)) and {"19092", "18081", "8080"} <= set(ports)


@pytest.mark.parametrize("name", RUNNING)
def test_a_service_that_stays_says_how_it_is(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    assert health["test"][0] in ("CMD", "CMD-SHELL") and len(health["test"]) > 1
    assert health["retries"] >= 10 and {"interval", "timeout", "start_period"} <= set(health)


def test_services_wait_for_what_they_need() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[needed]
    assert SERVICES["console"]["depends_on"]["topics"]["condition"] == "service_completed_successfully"


def test_data_lie_in_named_volumes() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert mounts and all(mount.split(":")[0] in COMPOSE["volumes"] for mount in mounts)
    assert "redpanda:/var/lib/redpanda/data" in SERVICES["redpanda"]["volumes"]


def test_acknowledged_means_on_disk_and_no_topic_comes_by_itself() -> None:
    told = SERVICES["redpanda"]["command"]
    assert told[:2] == ["redpanda", "start"]
    assert {
        "--unsafe-bypass-fsync=false",
        "--set=redpanda.write_caching_default=false",
        "--set=redpanda.auto_create_topics_enabled=false",
    } <= set(told)
    assert not [option for option in told if option.startswith("--mode")]


def test_clients_are_sent_where_they_can_go() -> None:
    told = dict(option.split("=", 1) for option in SERVICES["redpanda"]["command"] if "=" in option)
    inside, outside = told["--advertise-kafka-addr"].split(",")
    assert (inside, outside) == ("internal://redpanda:9092", "external://127.0.0.1:19092")
    assert SERVICES["topics"]["environment"]["TITAN_LOG"] == "kafka://" + inside.partition("://")[2]
    console = SERVICES["console"]["environment"]
    assert console["KAFKA_BROKERS"] == "redpanda:9092"
    assert console["SCHEMAREGISTRY_URLS"].rpartition(":")[2] in told["--schema-registry-addr"]
    assert all(isinstance(value, str) for value in console.values())


def test_the_topics_come_from_a_command_that_is_there() -> None:
    command = SERVICES["topics"]["command"]
    entry = re.findall(r'^ENTRYPOINT \["(.+)"\]$', DOCKERFILE, re.MULTILINE)
    assert entry == ["titan"] and isinstance(typer.main.get_command(app), typer.core.TyperGroup)
    asked = CliRunner().invoke(app, [*command, "--help"])
    assert asked.exit_code == 0 and "Create" in asked.output


def test_the_image_is_of_this_version_and_built_from_files_that_are_there() -> None:
    build = SERVICES["topics"]["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).is_file()
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version and SERVICES["topics"]["image"] == f"titan:{version[1]}"
    copied = [
        shlex.split(line)[1:-1]
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]
    names = {name for line in copied for name in line}
    assert not [name for name in names if not (ROOT / name).exists()]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == let_in
    packages = re.search(r"^include = \[(.+)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages and {name.strip('"*') for name in packages[1].split(", ")} <= names


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases and all(re.fullmatch(r"python:3\.12\.\d+-slim-\w+", base) for base in bases)
    *_, user = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert user not in ("root", "0")
    assert "-c constraints.txt" in DOCKERFILE


def test_an_engine_reads_it_too() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose here")
    done = subprocess.run(
        [docker, "compose", "-f", FILE, "config", "--quiet"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
