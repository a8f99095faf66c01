"""Which client order id does a decision get? The same one for ever, so that a repeated submit is recognised.

    id = "T" + hex(BLAKE2s-96(account, strategy, symbol, signal id, leg))

25 characters, letters and digits only: inside the limits of Binance (36), Alpaca (128) and IB (40). 96 bits:
the chance of two equal ids among 10^9 orders is below 1e-11.
"""

from hashlib import blake2s

_SEPARATOR = "\x1f"  # cannot occur in a name, so that ("a", "bc") and ("ab", "c") differ


def client_order_id(account: str, strategy: str, symbol: str, signal_id: str, leg: int = 0) -> str:
    """Deterministic id of the order that one leg of one signal asks for.

    >>> client_order_id("paper", "sma", "SPY", "sma:SPY:60:1")
    'Ta357a8ef86724d802b8123d6'
    """
    text = _SEPARATOR.join((account, strategy, symbol, signal_id, str(leg)))
    return "T" + blake2s(text.encode(), digest_size=12).hexdigest()


def detail_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for a text in a deterministic id."""
    return blake2s(text.encode(), digest_size=4).hexdigest()
