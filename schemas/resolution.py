"""What does a block that an older version wrote say in today's words? Avro's rules of resolution, by field name.

A field that the older version lacked has its default. The default of a column can only be ``[]`` in Avro, whatever the
number of rows; here each row then has NaN (a double) or 0 (a long). A field that is gone is passed over.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.block_codec import BlockCodec, Rows

Schema = dict[str, Any]


def today_of(branch: Schema, todays: tuple[Schema, ...]) -> int:
    """Return the place among today's records of what an older version called ``branch``.

    Raises:
        ValueError: it was dropped.
    """
    for place, record in enumerate(todays):
        aliases = (name.rpartition(".")[2] for name in record.get("aliases", ()))
        if branch["name"] in (record["name"], *aliases):
            return place
    raise ValueError(f"today's schema has no {branch['name']}")


def todays_rows(rows: Rows, codec: BlockCodec, today: Schema) -> Rows:
    """Return ``rows`` of an older version as today's record ``today`` with ``codec`` has them."""
    fields = {field["name"]: field for field in today["fields"]}
    count = len(rows.longs) if rows.long_names else len(rows.doubles)
    said = {**rows.head, **rows.tail}
    scalars = {name: _scalar(fields[name], said) for name in (*(name for name, _ in codec.head), *codec.tail)}
    longs = [_column(rows, fields[name], np.zeros(count, np.int64)) for name in codec.longs]
    doubles = [_column(rows, fields[name], np.full(count, np.nan)) for name in codec.doubles]
    return Rows(
        codec.record,
        {name: scalars[name] for name, _ in codec.head},
        codec.longs,
        np.stack(longs, axis=1) if longs else np.empty((count, 0), np.int64),
        rows.double_names if codec.mapped else codec.doubles,
        rows.doubles if codec.mapped else np.stack(doubles, axis=1) if doubles else np.empty((count, 0)),
        {name: scalars[name] for name in codec.tail},
    )


def _scalar(field: Schema, said: dict[str, Any]) -> Any:
    for name in (field["name"], *field.get("aliases", ())):
        if name in said:
            return said[name]
    return field["default"]


def _column(rows: Rows, field: Schema, absent: NDArray[Any]) -> NDArray[Any]:
    """Return a column by the name of its field or of what it was called, as wide as ``absent``; else ``absent``."""
    for name in (field["name"], *field.get("aliases", ())):
        if name in rows.long_names or name in rows.double_names:
            return rows.column(name).astype(absent.dtype, copy=False)
    return absent
