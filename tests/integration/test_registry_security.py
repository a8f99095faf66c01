"""A registry over https that wants a password: is it asked with one, and is the password shown nowhere?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runs import DONE, UNREACHABLE, USAGE, Place
from tests.servers.process import NoServer
from tests.servers.registry import SecuredRegistry


@pytest.fixture(scope="module")
def registry() -> Iterator[SecuredRegistry]:
    try:
        server = SecuredRegistry()
    except NoServer as reason:
        pytest.skip(str(reason))
    with server:
        yield server


def test_a_registry_with_a_password_over_https(registry: SecuredRegistry, tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text(registry.password)
    kept.chmod(0o600)
    told = {
        "TITAN__REGISTRY__USERNAME": "titan",
        "TITAN__REGISTRY__PASSWORD_FILE": str(kept),
        "TITAN_DEBUG": "1",
    }
    told |= {"TITAN__REGISTRY__CA": registry.ca}
    place, ask = Place(tmp_path / "place"), ("schemas", "register", "--dry-run", "--json", "--registry")
    ended = [place.run(*ask, registry.url, **told)]
    assert ended[0].code == DONE and "would be registered" in ended[0].out
    wrong = {name: value for name, value in told.items() if name != "TITAN__REGISTRY__PASSWORD_FILE"}
    for change, says in (
        (wrong | {"TITAN__REGISTRY__PASSWORD": "no-canary"}, "401"),
        ({}, "certificate verify failed"),
        ({"TITAN__REGISTRY__CA": registry.ca}, "401"),
        ({"TITAN__REGISTRY__CA": str(tmp_path / "none.pem")}, "registry.ca"),
    ):
        ended.append(place.run(*ask, registry.url, **change))
        assert ended[-1].code == UNREACHABLE and says in ended[-1].err.splitlines()[-1]
    elsewhere = registry.url.replace("127.0.0.1", "localhost")
    ended.append(place.run(*ask, elsewhere, **told))
    assert ended[-1].code == UNREACHABLE and "not valid for 'localhost'" in ended[-1].err
    inside = registry.url.replace("https://", f"https://titan:{registry.password}@")
    ended.append(place.run(*ask, inside, **told))
    assert ended[-1].code == USAGE and "registry.password" in ended[-1].err
    assert not [one for one in ended if registry.password in one.out + one.err or "no-canary" in one.err]
