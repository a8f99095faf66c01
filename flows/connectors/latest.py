"""What was said last? The newest records of a topic, read backwards in growing steps."""

from flows.connectors.held import between
from flows.connectors.log import Log, Record
from schemas.account import BookPosition, PortfolioUpdate
from schemas.codec import decode

MOST = 5000
"""Records of one partition that are looked at before giving up."""


def newest(log: Log, topic: str, at_least: int = 1) -> list[Record]:
    """Return the last records of every partition, in offset order: `at_least` of each where it holds so many.

    Offsets may have holes (compaction, ends of transactions), so the step back doubles until enough were found.
    """
    found: list[Record] = []
    for partition, (first, end) in enumerate(log.spans(topic)):
        back, records = 2 * at_least, list[Record]()
        while len(records) < at_least and back < 4 * MOST:
            start = max(first, end - back)
            records = _between(log, topic, partition, start, end)
            if start == first:
                break
            back *= 2
        found += records[-at_least:]
    return found


def _between(log: Log, topic: str, partition: int, start: int, end: int) -> list[Record]:
    if start >= end:
        return []
    source = (topic, partition)
    return [record for record in between(log, {source: start}, {source: end}) if record.value is not None]


def latest_portfolio(log: Log, account: str) -> PortfolioUpdate | None:
    """Return the newest portfolio update of the account; None where it has none among the newest records."""
    for record in reversed(newest(log, "portfolio_updates")):
        if record.key == account.encode():
            event = decode("portfolio_updates", record.value or b"")
            assert isinstance(event, PortfolioUpdate)
            return event
    return None


def latest_books(log: Log, account: str) -> list[BookPosition]:
    """Return every book of the account as last reported: a fill's update holds its own book only, others hold all."""
    books: dict[tuple[str, str], BookPosition] = {}
    back = 1
    while True:
        records = [r for r in newest(log, "portfolio_updates", back) if r.key == account.encode()]
        updates = [decode("portfolio_updates", record.value or b"") for record in records]
        if back > MOST or len(records) < back or any(_is_whole(update) for update in updates):
            break
        back *= 4
    for update in updates:
        assert isinstance(update, PortfolioUpdate)
        books.update({(book.strategy, book.symbol): book for book in update.books})
    return [books[key] for key in sorted(books)]


def _is_whole(update: object) -> bool:
    return isinstance(update, PortfolioUpdate) and not update.cause.startswith("fill")
