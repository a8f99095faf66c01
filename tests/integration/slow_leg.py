"""`titan`, but a leg takes its time over every batch: `python -m tests.integration.slow_leg SECONDS ARGUMENT...`."""

import sys
import time
from typing import Any

from flows.account_leg import AccountLogic
from flows.symbol_leg import SymbolLogic
from ui.cli import main


def slow(logic: Any, seconds: float) -> None:
    """Let every batch take so much longer."""
    quick = logic.on_batch

    def on_batch(self: Any, values: Any) -> Any:
        time.sleep(seconds)
        return quick(self, values)

    logic.on_batch = on_batch


if __name__ == "__main__":
    for each in (SymbolLogic, AccountLogic):
        slow(each, float(sys.argv[1]))
    main(sys.argv[2:])
