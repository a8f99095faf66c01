"""How many bars does a value need until it no longer depends on where it began?"""

from collections.abc import Sequence

import msgspec

from flows.lookahead.recording import Recording
from operators.strategies import Strategy


class WarmUp(msgspec.Struct, frozen=True):
    """Of one feature: ``declared`` bars, and the most ``measured`` over the starts tried; None: more than tried."""

    name: str
    declared: int
    measured: int | None


def warm_ups(strategy: Strategy, recordings: Sequence[Recording]) -> list[WarmUp]:
    """Return how long each feature needs."""
    return []
