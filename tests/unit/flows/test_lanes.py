"""Which records are of the run of one account?"""

import pytest

from flows.connectors.refused_inputs import said_by
from flows.lanes import concerns
from schemas.account import Alert, DeadLetter
from schemas.codec import encode


def alert(source: str) -> bytes:
    return encode(Alert("a", source, "WARNING", "code", "message", 1))


def letter(partition: int) -> bytes:
    return encode(DeadLetter("d", "market_data", partition, -1, 7, "ES", 0, "malformed", "", b"x"))


@pytest.mark.parametrize(
    ("topic", "key", "value", "of_the_run"),
    [
        ("trade_signals", b"paper", b"", True),
        ("trade_signals", b"other", b"", False),
        ("portfolio_updates", b"other", b"", False),
        ("bars", b"other", b"", True),
        ("alerts", b"symbol_leg", alert("symbol_leg"), True),
        ("alerts", b"paper", alert("account:paper"), True),
        ("alerts", b"other", alert("account:other"), False),
        ("alerts", b"paper", b"no alert", True),
        ("dead_letters", b"market_data", letter(2), True),
        ("dead_letters", b"market_data", letter(-1), False),
        ("dead_letters", b"market_data", b"no letter", True),
    ],
)
def test_what_others_said_and_what_came_in_is_no_part(
    topic: str, key: bytes, value: bytes, of_the_run: bool
) -> None:
    assert concerns(topic, key, value, "paper") is of_the_run


def test_a_dead_letter_about_an_input_is_of_its_account() -> None:
    for account, of_the_run in (("paper", True), ("other", False)):
        assert concerns("dead_letters", b"marks", letter(2), "paper", said_by(account)) is of_the_run
