"""The command `titan`: one file per command, and one place that turns errors into exit codes."""

import sys
from typing import NoReturn


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code; see `exits` for the codes."""
    from ui.cli.exits import report

    try:
        from ui.cli.app import app

        app(arguments, prog_name="titan")
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(report(error))
    sys.exit(0)
