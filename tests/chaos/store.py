"""What does a recovery store remember? The snapshots of a flow's parts by epoch, as Bytewax 0.21 keeps them.

A part is resumed with its last snapshot before the epoch at which the flow resumes, *whichever run wrote it*: a killed
run leaves snapshots of its unfinished epoch behind, which ``forget_unfinished`` deletes as that of
`flows/recovery_store.py` does.
"""

from copy import deepcopy
from typing import Self

Part = tuple[str, str]
"""Step and key."""


class Store:
    """Snapshots of one flow."""

    def __init__(self) -> None:
        self._snapshots: dict[Part, list[tuple[int, bytes]]] = {}
        self.epoch = 1

    def write(self, step: str, key: str, epoch: int, state: bytes) -> None:
        """Keep a part's state at the end of an epoch, in place of another run's."""
        kept = [old for old in self._snapshots.get((step, key), []) if old[0] != epoch]
        self._snapshots[step, key] = [*kept, (epoch, state)]

    def commit(self, epoch: int) -> None:
        """All parts have reached the end of the epoch: the next start resumes behind it."""
        self.epoch = epoch + 1
        for part, kept in self._snapshots.items():
            done = [old for old in kept if old[0] < self.epoch]
            self._snapshots[part] = [*done[-1:], *(old for old in kept if old[0] >= self.epoch)]

    def forget_unfinished(self) -> None:
        """Delete what was written of epochs that were not committed."""
        for part, kept in self._snapshots.items():
            self._snapshots[part] = [old for old in kept if old[0] < self.epoch]

    def resume(self, step: str) -> dict[str, bytes]:
        """Return the state of every part of a step."""
        found: dict[str, bytes] = {}
        for (of, key), kept in self._snapshots.items():
            before = sorted(old for old in kept if old[0] < self.epoch)
            if of == step and before:
                found[key] = before[-1][1]
        return found

    def copy(self) -> Self:
        """Return a copy as a backup would hold it."""
        return deepcopy(self)
