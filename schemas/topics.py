"""Which topics there are: one literal table.

The schema id is what stands in the Confluent header of every record of the topic. A topic whose schema has changed has
older ids, too: their schemas stand in ``schemas/history``, and their records are read for ever. Ids are given once, one
after the other, and are the same on every log; a schema registry is told of them (docs/adr/0024).
"""

from typing import Literal

import msgspec

RecordKey = Literal["symbol", "account", "source", "topic"]


class Topic(msgspec.Struct, frozen=True):
    """One topic: its subject is ``<name>-value``, its schema is ``schemas/avro/<name>.avsc``.

    ``schema_id`` is the id of today's version, ``older`` are those of the versions before it, oldest first.
    """

    name: str
    schema_id: int
    key: RecordKey
    partitions: int
    compacted: bool
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    older: tuple[int, ...] = ()

    @property
    def schema_ids(self) -> tuple[int, ...]:
        """Ids of every version, oldest first."""
        return (*self.older, self.schema_id)

    @property
    def subject(self) -> str:
        """Name of the schema in a registry."""
        return f"{self.name}-value"


def _topic(
    name: str,
    schema_id: int,
    key: RecordKey,
    written_by: str,
    read_by: str,
    partitions: int = 4,
    older: tuple[int, ...] = (),
) -> Topic:
    writers, readers = tuple(written_by.split()), tuple(read_by.split())
    return Topic(name, schema_id, key, partitions, False, writers, readers, older)


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        _topic("market_data", 1, "symbol", "gateway", "symbol_leg"),
        _topic("bars", 2, "symbol", "symbol_leg", "report ui"),
        _topic("features", 3, "symbol", "symbol_leg", "report ui"),
        _topic("regimes", 4, "symbol", "symbol_leg", "report ui"),
        _topic("marks", 5, "symbol", "symbol_leg", "account_leg"),
        _topic("trade_signals", 6, "account", "symbol_leg", "account_leg", 1),
        _topic("risk_commands", 7, "account", "ui", "account_leg", 1),
        _topic("account_journal", 8, "account", "account_leg", "account_leg", 1),
        _topic("risk_decisions", 9, "account", "account_leg", "report ui", 1),
        _topic("execution_requests", 10, "account", "account_leg", "venue_gateway", 1),
        _topic("execution_reports", 11, "account", "venue_gateway account_leg", "account_leg report ui", 1),
        _topic("portfolio_updates", 12, "account", "account_leg", "report ui", 1),
        _topic("alerts", 13, "source", "symbol_leg account_leg", "ui", 1),
        _topic("dead_letters", 14, "topic", "symbol_leg account_leg", "ui", 1),
        _topic("run_settings", 15, "account", "symbol_leg account_leg", "replay report ui", 1),
        _topic("redrives", 16, "topic", "ui", "ui", 1),
    )
}
