"""What a log URL may be, and what a bad one is answered with."""

import pytest

from flows.connectors.log import LogSettings, LogUrlError, open_log, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/titan.db", "data/titan.db"),
        ("sqlite:////var/lib/titan.db", "/var/lib/titan.db"),
        ("sqlite:titan.db", "titan.db"),
        ("sqlite:/tmp/titan.db", "/tmp/titan.db"),
    ],
)
def test_sqlite_paths(url: str, path: str) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    "url",
    ["", "titan.db", "redis://x:1", "sqlite:", "sqlite://host/x.db", "sqlite:///", "sqlite::memory:",
     "sqlite:///dir/", "kafka:host:9092", "kafka://host", "kafka://", "kafka://host:port", "kafka://a:1,"],
)  # fmt: skip
def test_bad_urls_say_what_to_write(url: str) -> None:
    with pytest.raises(LogUrlError, match="write (sqlite|kafka)://") as caught:
        open_log(url)
    assert isinstance(caught.value, ValueError) and repr(url) in str(caught.value)


def test_a_url_with_a_password_is_answered_without_it() -> None:
    with pytest.raises(LogUrlError, match=r"kafka://\*+@host:1.* write kafka://") as caught:
        open_log("kafka://user:hunter2@host:1")
    assert "hunter2" not in str(caught.value)


def test_settings_know_their_keys() -> None:
    assert LogSettings(kafka={"sasl.username": "u"}).kafka == {"sasl.username": "u"}
    with pytest.raises(TypeError, match="linger"):
        LogSettings(linger=1)  # type: ignore[call-arg]
