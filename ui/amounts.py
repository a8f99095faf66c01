"""How are exact amounts written for people? Rounded once, at the end, by integer arithmetic, or not at all."""

from flows.amounts import decimal_of

NANOS = 1_000_000_000


def money(nanos: int, plus: bool = False, minus: str = "-") -> str:
    """Return an amount of 1e-9 units with two decimals, rounded half away from zero; ``plus`` signs gains too.

    >>> money(1_234_567_890_123), money(5_000_000, plus=True), money(-5_000_000), money(-4_999_999)
    ('1,234.57', '+0.01', '-0.01', '0.00')
    """
    cents = (abs(nanos) + NANOS // 200) // (NANOS // 100)
    sign = minus if nanos < 0 and cents else "+" if plus and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02d}"


def quantity(nanos: int, minus: str = "-") -> str:
    """Return a quantity or price of 1e-9 units with all its decimals and thousands marked.

    >>> quantity(1_632_750_000_000), quantity(-1_500), quantity(0)
    ('1,632.75', '-0.0000015', '0')
    """
    whole, point, digits = decimal_of(abs(nanos)).partition(".")
    return f"{minus if nanos < 0 else ''}{int(whole):,}{point}{digits}"
