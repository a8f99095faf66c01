"""How does a restarted leg know what it need not write again, with memory that does not grow with the log?

What a leg says is a deterministic fold, so it comes again in the same order: it is enough to remember how many events
came, and a digest over what they said. The digest also tells when the second run says something else than the log
holds, as other code would: then nothing more is written.
"""

from zlib import crc32

import msgspec

from flows.connectors.log_errors import LogContradicted

_ADVICE = (
    "the log was derived by another version of the code, or damaged, or another process runs the account now. Go on "
    "with the version that wrote it, or look at the first difference: titan replay --verify"
)


class Sequence(msgspec.Struct):
    """One topic's events of one writer: how many the log was found to hold, and how many of them came again."""

    held: int = 0
    digest: int = 0
    met: int = 0
    met_digest: int = 0

    def recall(self, what: bytes) -> None:
        """Note one that the log holds."""
        self.held += 1
        self.digest = crc32(what, self.digest)

    def meet(self, what: bytes) -> bool:
        """Note one that comes again; True when it was the last. ValueError where they were not the same."""
        self.met += 1
        self.met_digest = crc32(what, self.met_digest)
        if self.met < self.held:
            return False
        if self.met_digest != self.digest:
            raise ValueError(f"its {self.held} events differ")
        return True


def contradicted(who: str, topic: str, why: str) -> LogContradicted:
    """Return the error of a leg that says something else than its topic holds."""
    return LogContradicted(f"{topic} contradicts what {who} says over the same inputs: {why}; {_ADVICE}")
