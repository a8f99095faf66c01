"""`titan doctor`: is everything as it must be, and if not, what is to be done?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption
from ui.cli.output import emit_json, write

if TYPE_CHECKING:
    from ui.cli.checks import Check

EXAMPLES = "Examples:\n\ntitan doctor\n\ntitan doctor --json --log kafka://localhost:9092"


def doctor(
    log: LogOption = None, sets: SetOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Check Python, packages, clock, kernels, configuration, disk, and the log; exit 5 where one fails."""
    from ui.cli.exits import CheckFailed

    found = list(_checks(log, sets, config))
    failed = [check.name for check in found if check.verdict == "fail"]
    if as_json:
        emit_json({"ok": not failed, "checks": found})
    else:
        for check in found:
            write(f"{check.verdict:<4}  {check.name:<14} {check.message}")
            if check.advice and check.verdict != "ok":
                write(f"      {'':<14} -> {check.advice}")
    if failed:
        raise CheckFailed(f"failed: {', '.join(failed)}")


def _checks(log: str | None, sets: list[str] | None, config: str | None) -> "Iterator[Check]":
    from flows.config import ConfigError
    from ui.cli import checks
    from ui.cli.options import configured

    yield from checks.installation()
    try:
        settings, provenance = configured(config, sets, log=("log.url", log))
    except ConfigError as error:
        yield checks.Check("configuration", "fail", str(error), "correct the key that the message names")
        return
    given = sum(origin.layer != "default" for origin in provenance.values())
    yield checks.Check(
        "configuration", "ok", f"{len(provenance)} keys, {given} of them set by file, environment or flags"
    )
    yield from checks.configured(settings)
