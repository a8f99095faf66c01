"""What must never be shown? Values of keys that hold secrets, and passwords inside URLs.

A secret is kept as a `Secret` from where it was read to where a client is given it: whoever prints, formats, logs or
writes it on the way prints a mask, and what would turn it into JSON or TOML fails.
"""

import re
from collections.abc import Iterable

MASK = "********"

_NAMES = re.compile(
    r"passw|passphrase|secret|token|credential|(^|[._])(api)?key(\.pem)?$|(^|[._])jaas"
    r"|(^|\.)sasl\.(?!(mechanisms?|username)$|kerberos\.|oauthbearer\.(method|scope|client\.id)$)",
    re.IGNORECASE,
)
_OPEN = re.compile(r"[._](location|url|file)$", re.IGNORECASE)
"""Names that only say where a secret or its giver is."""
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class Secret:
    """A text that only `reveal` gives away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, to hand to a client."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return MASK if self._text else ""


def is_secret(path: Iterable[str]) -> bool:
    """Whether the key's last name says that its value is a secret; of `sasl.*` all but what is known to be none.

    >>> is_secret(("log", "kafka", "sasl.password")), is_secret(("log", "kafka", "ssl.key.location"))
    (True, False)
    """
    *_, last = path
    return _NAMES.search(last) is not None and _OPEN.search(last) is None


def masked(path: Iterable[str], shown: str) -> str:
    """Return the value as it may be shown.

    >>> masked(("log", "url"), "kafka://me:hunter2@host:9092")
    'kafka://********@host:9092'
    """
    return MASK if shown and is_secret(path) else without_user(shown)


def masked_words(said: str) -> str:
    """Return a text that cannot be read as key and value: masked whole where it speaks of a secret."""
    return (
        MASK if any(_NAMES.search(word) for word in re.findall(r"[A-Za-z_.]+", said)) else without_user(said)
    )


def refuse_user(url: str, instead: str) -> None:
    """Raise ValueError for a URL with a user or password in it: URLs are shown, and stand on command lines."""
    if _USER.search(url):
        raise ValueError(
            f"url {without_user(url)} holds a user or a password: leave them out and set {instead}"
        )


def without_user(url: str) -> str:
    """Return a URL, or a text with URLs, without users and passwords.

    >>> without_user("http://me:hunter2@host:8081/x"), without_user("http://host:8081")
    ('http://********@host:8081/x', 'http://host:8081')
    """
    return _USER.sub(MASK, url)
