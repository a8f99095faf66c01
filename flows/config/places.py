"""Where does a run keep what it must remember?"""

import re
from pathlib import Path

from flows.config.settings import Settings
from flows.connectors.log import sqlite_path


def recovery_dir(settings: Settings) -> Path:
    """Return the folder of the recovery store: as configured, else next to the log, one folder for each log.

    A log at data/titan.db has data/recovery/titan; a Kafka log has data/recovery/HOST_PORT.
    """
    if settings.run.recovery_dir:
        return Path(settings.run.recovery_dir)
    url = settings.log.url
    if url.startswith("sqlite:"):
        file = Path(sqlite_path(url))
        return file.parent / "recovery" / file.stem
    return Path("data/recovery") / re.sub(r"[^A-Za-z0-9.-]+", "_", url.partition("://")[2].rpartition("@")[2])
