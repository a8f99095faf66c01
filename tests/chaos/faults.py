"""What goes wrong in a trial? Faults at numbered effects of a process, and what each does to it.

An effect is anything that a process does to, or learns from, the world: a poll of a source, a flush of a writer, the
write of a snapshot, a commit of the recovery store. Between any two of them a process may die.
"""

import random
from typing import Literal

import msgspec

Kind = Literal["kill", "refuse", "full", "stop", "lose", "old", "pause", "twice"]
KINDS: tuple[Kind, ...] = ("kill", "refuse", "full", "stop", "lose", "old", "pause", "twice")
"""
kill    the process is gone, in the middle of the effect as likely as before or after it
refuse  the log does not answer: DeliveryFailed or LogUnreachable; how much of the batch it holds, nobody knows
full    LogFull: the log holds nothing of the batch
stop    SIGTERM: the sources end, a last snapshot is taken
lose    killed, and the recovery store is lost
old     killed, and the recovery store is put back from a copy of some time ago
pause   SIGSTOP; another process takes over meanwhile; then SIGCONT
twice   a second symbol leg is started for the same partitions, by mistake
"""
_BY_FLUSHES = ("refuse", "full")


class Killed(BaseException):
    """``kill -9``; nothing of the process may run from here on."""


class Fault(msgspec.Struct, frozen=True):
    """After ``gap`` more effects of ``process``; ``part`` (0 to 1) says where within the effect."""

    process: str
    gap: int
    kind: Kind
    part: float

    def __str__(self) -> str:
        """Return one word, as a command takes it."""
        return f"{self.kind}:{self.process}:{self.gap}:{self.part:.3f}"


def parsed(word: str) -> Fault:
    """Return the fault that a word of ``Fault.__str__`` stands for."""
    kind, process, gap, part = word.split(":")
    return Fault(process, int(gap), kind, float(part))  # type: ignore[arg-type]


def planned(dice: random.Random, processes: list[str], effects: int, kinds: tuple[Kind, ...]) -> list[Fault]:
    """Return up to eight faults, a third right after a start, where a process recalls and resumes; or many kills."""
    if dice.random() < 0.2:
        process = dice.choice(processes)
        return [Fault(process, dice.randint(4, 40), "kill", round(dice.random(), 3)) for _ in range(12)]
    faults = []
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4, 6, 8))):
        gap = dice.randint(1, 25) if dice.random() < 1 / 3 else dice.randint(1, max(2, effects))
        kind = dice.choices(kinds, [6.0 if kind == "kill" else 1.0 for kind in kinds])[0]
        faults.append(Fault(dice.choice(processes), gap, kind, round(dice.random(), 3)))
    return faults


class Turn:
    """The effects of one process over all its lives: counts them, and lets the planned faults happen."""

    def __init__(self, name: str, plan: list[Fault], dice: random.Random) -> None:
        self.name = name
        self.dice = dice
        self._plan = [fault for fault in plan if fault.process == name]
        self._left = self._plan[0].gap if self._plan else 0
        self.count = 0
        self.met: list[Fault] = []
        self.pending: Fault | None = None
        self.dead = False

    def handed_on(self, dice: random.Random) -> "Turn":
        """Return the turn of another process to which the rest of the plan happens, not to this one any more."""
        other = Turn(self.name, self._plan, dice)
        self._plan = []
        return other

    def due(self, flushes: bool = False) -> Fault | None:
        """Count one effect; return the fault that happens in it, which is over with that.

        What only a flush can meet waits for one.
        """
        if self.dead:
            raise Killed
        self.count += 1
        if not self._plan:
            return None
        self._left -= 1
        if self._left > 0 or (self._plan[0].kind in _BY_FLUSHES and not flushes):
            return None
        fault = self._plan.pop(0)
        self._left = self._plan[0].gap if self._plan else 0
        self.met.append(fault)
        return fault

    def point(self) -> None:
        """Pass an effect that has no inside, such as a poll."""
        fault = self.due()
        if fault is not None:
            self.strike(fault)

    def strike(self, fault: Fault) -> None:
        """Die of a fault, or leave it to whoever schedules the process."""
        self.pending = fault
        if fault.kind in ("kill", "lose", "old"):
            self.dead = True
            raise Killed
