"""Client order ids."""

import re

from operators.client_ids import client_order_id


def test_ids_are_short_venue_safe_and_repeatable() -> None:
    first = client_order_id("paper", "sma", "BTC/USDT", "sma:BTC/USDT:1:2")
    assert re.fullmatch(r"[A-Za-z0-9]{1,32}", first)
    assert first == client_order_id("paper", "sma", "BTC/USDT", "sma:BTC/USDT:1:2")


def test_every_part_counts_and_parts_do_not_run_together() -> None:
    parts = [
        ("a", "b", "c", "d", 0),
        ("a", "b", "c", "d", 1),
        ("ab", "", "c", "d", 0),
        ("a", "bc", "", "d", 0),
        ("a", "b", "cd", "", 0),
    ]
    assert len({client_order_id(*row) for row in parts}) == len(parts)
