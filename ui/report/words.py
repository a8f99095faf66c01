"""How are numbers and times written for people? Exact integers are rounded once, at the end, by integer arithmetic."""

from datetime import UTC, datetime

from ui import amounts

NANOS = 1_000_000_000
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
"""Where there is nothing to say."""
_UNITS = (("y", 365 * 86_400), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_LENGTHS = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def money(nanos: int, plus: bool = False) -> str:
    """Return an amount with two decimals, rounded half away from zero; ``plus`` signs gains too.

    >>> money(1_234_567_890_123), money(5_000_000, plus=True), money(-5_000_000)
    ('1,234.57', '+0.01', '−0.01')
    """
    return amounts.money(nanos, plus, MINUS)


def short(nanos: int) -> str:
    """Return a large amount in four digits, a small one as `money` does.

    >>> short(12_090_625 * 10**9), short(999_999 * 10**9), short(-2_500_000_000 * 10**9)
    ('12.09 M', '999,999.00', '−2.5 bn')
    """
    for name, size in (("bn", 10**9), ("M", 10**6)):
        if abs(nanos) >= size * NANOS:
            return f"{MINUS if nanos < 0 else ''}{abs(nanos) / (size * NANOS):,.4g} {name}"
    return money(nanos)


def quantity(nanos: int) -> str:
    """Return a quantity or price with all its decimals and thousands marked.

    >>> quantity(1_632_750_000_000), quantity(-1_500)
    ('1,632.75', '−0.0000015')
    """
    return amounts.quantity(nanos, MINUS)


def percent(ratio: float, plus: bool = False, digits: int = 2) -> str:
    """Return a ratio in percent.

    >>> percent(-0.029465625), percent(0.5, plus=True, digits=0)
    ('−2.95 %', '+50 %')
    """
    text = f"{100 * abs(ratio):,.{digits}f}"
    sign = "" if not float(text.replace(",", "")) else MINUS if ratio < 0 else "+" if plus else ""
    return f"{sign}{text} %"


def number(value: float) -> str:
    """Return a float with up to four significant digits, or all digits before the point.

    >>> number(0.8412354), number(120.0), number(1632.4125)
    ('0.8412', '120', '1,632.4125')
    """
    text = f"{abs(value):,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{abs(value):.4g}"
    return MINUS + text if value < 0 else text


def moment(ts_ns: int, seconds: bool = True) -> str:
    """Return a time as UTC text, to the second (rounded down) or the minute.

    >>> moment(1_378_078_800_250_000_000), moment(1_378_078_800_250_000_000, seconds=False)
    ('2013-09-01 23:40:00', '2013-09-01 23:40')
    """
    return datetime.fromtimestamp(ts_ns // NANOS, UTC).strftime(
        "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    )


def duration(ns: int) -> str:
    """Return a stretch of time in its two largest units.

    >>> duration(161_460 * 10**9), duration(250_000_000)
    ('1 d 20 h', '0.25 s')
    """
    seconds = ns // NANOS
    for (name, size), (next_name, next_size) in zip(_UNITS, _UNITS[1:], strict=False):
        if seconds >= size:
            rest = seconds % size // next_size
            return f"{seconds // size} {name} {rest} {next_name}" if rest else f"{seconds // size} {name}"
    return f"{ns / NANOS:.3g} s"


def length(ns: int) -> str:
    """Return a bar's length as charts name it.

    >>> length(300 * 10**9), length(86_400 * 10**9), length(250_000_000)
    ('5m', '1d', '0.25s')
    """
    for name, size in _LENGTHS:
        if ns >= size * NANOS and ns % (size * NANOS) == 0:
            return f"{ns // (size * NANOS)}{name}"
    return f"{ns / NANOS:g}s"
