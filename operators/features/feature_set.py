"""How many features share one state, one parameter vector and one row of outputs, and what names that set.

Each feature has its slice of each: feature i owns `state[state_at[i]:state_at[i + 1]]`, and likewise `params_at` and
`out_at`. The three offset arrays have SLOTS + 1 entries; slots behind the last feature are empty slices.
"""

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.features.feature import Feature, Vector

SLOTS = 32

Offsets = NDArray[np.int64]


class FeatureSet(msgspec.Struct, frozen=True, eq=False):
    """A registry of features, laid out; make one by `FeatureSet.of`.

    The hash covers names, order, parameters and versions: rows with the same hash mean the same.
    """

    features: Mapping[str, Feature]
    columns: tuple[str, ...]
    params: Vector
    state_at: Offsets
    params_at: Offsets
    out_at: Offsets
    feature_set_hash: str

    @classmethod
    def of(cls, features: Mapping[str, Feature]) -> Self:
        """Lay out `features` in their order; ValueError if there are more than SLOTS or two columns share a name."""
        if len(features) > SLOTS:
            raise ValueError(
                f"{len(features)} features for {SLOTS} slots: raise SLOTS in operators/features/feature_set.py and add"
                " as many lines to operators/features/fused.py"
            )
        columns = tuple(name for feature in features.values() for name in feature.outputs)
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ValueError(
                f"two features write the column {', '.join(twice)}: remove one of them from the registry"
            )
        vectors = [feature.params() for feature in features.values()]
        return cls(
            features=features,
            columns=columns,
            params=np.concatenate([*vectors, np.empty(0)]),
            state_at=_offsets(feature.state_size for feature in features.values()),
            params_at=_offsets(len(vector) for vector in vectors),
            out_at=_offsets(len(feature.outputs) for feature in features.values()),
            feature_set_hash=_hash(features),
        )

    @property
    def state_size(self) -> int:
        """Number of float64 in the whole state."""
        return int(self.state_at[-1])

    @property
    def width(self) -> int:
        """Number of columns in a row of outputs."""
        return len(self.columns)

    def init(self) -> Vector:
        """A new state (state_size,), before the first bar."""
        return np.concatenate([*(feature.init() for feature in self.features.values()), np.empty(0)])

    def column(self, name: str) -> int:
        """Index of an output column; ValueError with the nearest names if there is none."""
        if name not in self.columns:
            raise _unknown(name, self.columns)
        return self.columns.index(name)

    def warm_bars(self, names: Iterable[str]) -> int:
        """Bars until all of `names` (columns or features) may be used; ValueError with the nearest names if unknown."""
        return max((self._feature(name).warm for name in names), default=0)

    def _feature(self, name: str) -> Feature:
        if name in self.features:
            return self.features[name]
        owner = int(np.searchsorted(self.out_at, self.column(name), side="right")) - 1
        return list(self.features.values())[owner]


def _offsets(sizes: Iterable[int]) -> Offsets:
    ends = [0, *accumulate(sizes)]
    return np.array(ends + [ends[-1]] * (SLOTS + 1 - len(ends)), dtype=np.int64)


def _hash(features: Mapping[str, Feature]) -> str:
    said = [
        [name, type(feature).__name__, feature.VERSION, list(feature.outputs), feature.params().tolist()]
        for name, feature in features.items()
    ]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


def _unknown(name: str, known: Iterable[str]) -> ValueError:
    near = difflib.get_close_matches(name, list(known), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(known)}"
    return ValueError(f"no feature column {name!r}: {hint}")
