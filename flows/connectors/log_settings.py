"""How is a log reached? What can be set, with passwords kept from every eye."""

from typing import Literal

import msgspec

from flows.secrets import Secret, is_secret


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a log. The first three serve both backends."""

    create: bool = True
    """Make a missing SQLite file; False is for commands that only read."""
    timeout_s: float = 5.0
    """How long one administrative answer may take before the log counts as unreachable."""
    flush_timeout_s: float = 30.0
    """How long an append waits for room, Kafka tries to deliver, a SQLite writer waits for other writers."""
    kafka: dict[str, str | int | float | bool | Secret] = {}
    """Further librdkafka settings (SASL, TLS, compression), given to every client; passwords are kept as Secret."""
    linger_ms: float = 1.0
    """Kafka: how long a record may wait for company; `flush` waits for none."""
    synchronous: Literal["full", "normal"] = "full"
    """SQLite: `full` survives power loss; `normal` survives only `kill -9`, and saves an fsync per flush."""
    poll_interval_s: float = 0.001
    """SQLite: how long a blocked poll sleeps between looks."""
    max_bytes: int = 0
    """SQLite: LogFull beyond this size; 0 = as large as the disk."""

    @property
    def patience_s(self) -> float:
        """How long a reader waits for records that are there; an owner that died may hold them up for some time."""
        return max(30.0, self.timeout_s, self.flush_timeout_s + 15.0)

    def __post_init__(self) -> None:
        kept = {
            name: Secret(value) if isinstance(value, str) and is_secret((name,)) else value
            for name, value in self.kafka.items()
        }
        msgspec.structs.force_setattr(self, "kafka", kept)
