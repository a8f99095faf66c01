"""Which partitions of market data does this process read, when several share the symbol leg?

Share k/n takes every n-th partition, so n processes with the shares 1/n to n/n read each partition once. Nothing moves
between them: state is a fold over a partition, kept in a recovery store of the share's own. A process that takes
partitions over without a store of that share, or with an old one, folds them again from the log and writes only what
the log does not hold yet.
"""

from flows.config import ConfigError, Settings


def partitions_of(settings: Settings, count: int) -> tuple[int, ...]:
    """Return the partitions, of ``count``, that this process reads.

    Raises:
        ConfigError: the share is none, or would read nothing.
    """
    share, chosen = settings.run.share, settings.run.partitions
    if not share:
        return tuple(chosen) or tuple(range(count))
    if chosen:
        raise ConfigError("run.share and run.partitions both say what this process reads: give one of them")
    part, _, of = share.partition("/")
    if not 1 <= int(part) <= int(of) <= count:
        raise ConfigError(
            f"run.share {share}: market_data has {count} partitions, so shares go from 1/N to N/N with N up to {count}"
        )
    return tuple(range(int(part) - 1, count, int(of)))


def store_of(settings: Settings, flow: str) -> str:
    """Return the name of a flow's recovery store: each share has its own, and so has each choice of partitions.

    >>> import msgspec
    >>> shared = msgspec.structs.replace(Settings(), run=msgspec.structs.replace(Settings().run, share="2/3"))
    >>> store_of(shared, "symbol"), store_of(Settings(), "symbol")
    ('symbol-2of3', 'symbol')
    """
    if settings.run.share:
        return f"{flow}-{settings.run.share.replace('/', 'of')}"
    return "-".join([flow, *map(str, sorted(set(settings.run.partitions)))])
