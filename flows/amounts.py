"""How is an exact amount written? As machines read it: all its decimals, and nothing else."""


def decimal_of(nanos: int) -> str:
    """Return an amount of 1e-9 units as an exact decimal.

    >>> decimal_of(97_065_932_500_000), decimal_of(-5), decimal_of(3_000_000_000)
    ('97065.9325', '-0.000000005', '3')
    """
    whole, rest = divmod(abs(nanos), 1_000_000_000)
    digits = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{'-' if nanos < 0 else ''}{whole}{digits}"
