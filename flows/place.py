"""Where does an event lie in a log?"""

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """Topic, partition and offset of its record; ``ordinal`` is the row of a block, 0 in a record of one event."""

    topic: str
    partition: int
    offset: int
    ordinal: int = 0

    def __str__(self) -> str:
        """Return topic/partition@offset.ordinal."""
        return f"{self.topic}/{self.partition}@{self.offset}.{self.ordinal}"
