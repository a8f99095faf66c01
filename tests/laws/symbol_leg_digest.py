"""Prints a digest of what the symbol leg says about made-up and real streams: the same compiled or not.

Run as ``python -m tests.laws.symbol_leg_digest``, with and without NUMBA_DISABLE_JIT=1.
"""

import hashlib

import numpy as np

from schemas.blocks import BARS, QUOTES, TRADES
from tests.laws.es_trades import Trades, es_trades, messages
from tests.laws.market_streams import SECOND, START, a_session, cut
from tests.laws.symbol_runs import LEG, run, said

_KINDS = ((TRADES,), (TRADES, QUOTES), (BARS, QUOTES), (TRADES, QUOTES, BARS))


def digest() -> str:
    """Hash of everything said, and of the state left."""
    total = hashlib.sha256()
    for seed, kinds in enumerate(_KINDS):
        rng = np.random.default_rng(seed)
        first = a_session(rng, 1, START, kinds, 200, SECOND, 0.2)
        second = a_session(rng, 2, first.end_ns, kinds, 60, 15 * SECOND, 0.02)
        total.update(repr(said(*run(cut([first, second], rng), [5, 40]))).encode())
    some = Trades(*(column[:2000] for column in es_trades()))
    total.update(repr(said(*run(messages(some, list(range(0, 2000, 37))), [9], LEG, "ES"))).encode())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest())
