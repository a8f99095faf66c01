"""Where may a secret stand, and is it kept out of everything that is shown?"""

import json
import logging
import pickle
from pathlib import Path

import msgspec
import pytest

from flows.config import BadValue, ConfigError, ConfigUnreadable, Settings, load_settings
from flows.connectors.log import LogSettings
from flows.secrets import MASK, Secret

CANARY = "canary-4711"
VARIABLE = "TITAN__LOG__KAFKA__SASL__PASSWORD"


def _file(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "given"
    path.write_text(content)
    path.chmod(mode)
    return path


def _password(settings: Settings) -> str:
    found = settings.log.kafka["sasl.password"]
    assert isinstance(found, Secret)
    return found.reveal()


@pytest.mark.parametrize("typed", [CANARY, "12345", "true", '"quoted"', " spaces ", "[1]", "é"])
def test_a_variable_gives_a_password_as_it_is_typed(typed: str) -> None:
    settings, provenance = load_settings(environ={VARIABLE: typed})
    assert _password(settings) == typed
    assert provenance['log.kafka."sasl.password"'].where == VARIABLE


def test_a_variable_names_a_file_that_holds_it(tmp_path: Path) -> None:
    file = _file(tmp_path, CANARY + "\n")
    environ = {f"{VARIABLE}_FILE": str(file), "TITAN__REGISTRY__PASSWORD_FILE": str(file)}
    settings, provenance = load_settings(environ=environ | {"TITAN__REGISTRY__USERNAME": "me"})
    assert _password(settings) == settings.registry.password.reveal() == CANARY
    assert provenance["registry.password"].where == "TITAN__REGISTRY__PASSWORD_FILE"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    named = _file(tmp_path, CANARY, mode)
    with pytest.raises(ConfigUnreadable, match=f"mode 0{mode:o}.*chmod 600"):
        load_settings(environ={f"{VARIABLE}_FILE": str(named)})
    toml = _file(tmp_path, f'[log.kafka]\nsasl.password = "{CANARY}"\n', mode)
    with pytest.raises(ConfigUnreadable, match="it holds log.kafka.*chmod 600") as error:
        load_settings(toml)
    assert CANARY not in str(error.value)


def test_a_private_configuration_file_may_hold_it(tmp_path: Path) -> None:
    toml = _file(tmp_path, f'[log.kafka]\nsasl.password = "{CANARY}"\n')
    assert _password(load_settings(toml)[0]) == CANARY


@pytest.mark.parametrize(
    ("content", "says"), [("", "is empty"), ("x" * 70_000, "is larger"), (None, "No such file")]
)
def test_a_file_that_holds_no_password_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "missing" if content is None else _file(tmp_path, content)
    with pytest.raises(ConfigUnreadable, match=says):
        load_settings(environ={f"{VARIABLE}_FILE": str(path)})


def test_a_value_is_not_given_twice(tmp_path: Path) -> None:
    file = _file(tmp_path, CANARY)
    with pytest.raises(BadValue, match="both set"):
        load_settings(environ={VARIABLE: "x", f"{VARIABLE}_FILE": str(file)})


@pytest.mark.parametrize(
    "override",
    [
        f"log.kafka.sasl.password={CANARY}",
        f'log.kafka={{"sasl.password" = "{CANARY}"}}',
        f"registry.password={CANARY}",
        f"log.kafka.ssl.key.pem={CANARY}",
    ],
)
def test_a_command_line_is_no_place_for_one(override: str) -> None:
    with pytest.raises(BadValue, match="TITAN__.*_FILE.*0600") as error:
        load_settings(overrides=[override])
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("key", ["log.url=kafka", "registry.url=http"])
def test_a_url_is_no_place_for_one(key: str) -> None:
    with pytest.raises(BadValue, match=r"password") as error:
        load_settings(overrides=[f"{key}://me:{CANARY}@host:9092"])
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    ("environ", "overrides"),
    [
        ({"TITAN__LOG": f'{{kafka = {{"sasl.password" = {CANARY}}}}}'}, []),
        ({"TITAN__LOG__KAFKA": f"sasl.password={CANARY}"}, []),
        ({}, [f"log.kafka.sasl.password:{CANARY}"]),
        (
            {"TITAN__LOG__KAFKA__SASL__PASSWORD__X__": CANARY, "TITAN__REGISTRY__URL": f"http//:{CANARY}@x"},
            [],
        ),
    ],
)
def test_what_cannot_be_read_is_not_repeated(environ: dict[str, str], overrides: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(environ=environ, overrides=overrides)
    assert CANARY not in str(error.value).replace(f"http//:{CANARY}@x", "")


def test_a_secret_shows_itself_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    settings, _ = load_settings(environ={VARIABLE: CANARY})
    logging.getLogger("t").warning("%s %r", settings, settings.log.kafka)
    shown = f"{settings} {settings!r} {settings.log.kafka['sasl.password']} {caplog.text}"
    assert CANARY not in shown and MASK in shown
    for write in (msgspec.to_builtins, msgspec.json.encode, msgspec.msgpack.encode, json.dumps):
        with pytest.raises(TypeError):
            write(settings.log)
    assert pickle.loads(pickle.dumps(settings)) == settings  # to another process of ours


def test_settings_made_by_hand_keep_theirs_too() -> None:
    settings = LogSettings(kafka={"sasl.password": CANARY, "sasl.username": "me", "linger.ms": 5})
    assert CANARY not in repr(settings) and "'me'" in repr(settings)


def test_a_registry_user_needs_a_password() -> None:
    with pytest.raises(BadValue, match=r"section registry: .*registry.username"):
        load_settings(overrides=["registry.username=me"])
