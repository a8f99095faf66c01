"""`titan topics lag`: how far is each leg behind the log?"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, note, table

if TYPE_CHECKING:
    from flows.lag import Lag

EXAMPLES = (
    "Examples:\n\ntitan topics lag\n\ntitan topics lag --log kafka://localhost:9092 --json\n\n"
    "titan topics lag --at-most 100000"
)


def lag(
    log: LogOption = None,
    at_most: Annotated[
        int | None,
        typer.Option(
            "--at-most", min=0, metavar="N", help="Leave with 5 if a partition is more records behind."
        ),
    ] = None,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how far each leg has read its topics, as of its last snapshot; the legs may be running.

    A leg that runs saves its position every run.snapshot_interval_s: until then it stands further on than it says here.
    """
    import msgspec

    from flows.config import recovery_dir
    from flows.connectors.log import open_log
    from flows.lag import lags

    settings, _ = configured(config, sets, log=("log.url", log))
    folder = recovery_dir(settings)
    with open_log(settings.log.url, msgspec.structs.replace(settings.log, create=False)) as opened:
        found = lags(opened, folder)
    if as_json:
        emit_json(found)
    elif found:
        _print(found)
    if not found:
        note(
            f"no leg has saved a position below {folder} yet: start one with titan run, wait for its first "
            "snapshot (run.snapshot_interval_s), or name its folder by --set run.recovery_dir=FOLDER"
        )
    _check(found, at_most)


def _print(found: "list[Lag]") -> None:
    now = time.time()
    table(
        ["store", "leg", "topic", "partition", "position", "end", "behind", "behind s", "saved s ago"],
        [
            (
                row.store,
                row.leg,
                row.topic,
                row.partition,
                row.position,
                row.end,
                row.records,
                row.seconds,
                max(0, round(now - row.saved_ns / 1e9)),
            )
            for row in found
        ],
    )


def _check(found: "list[Lag]", at_most: int | None) -> None:
    from ui.cli.exits import CheckFailed

    worst = max(found, key=lambda row: row.records, default=None)
    if at_most is None or worst is None or worst.records <= at_most:
        return
    raise CheckFailed(
        f"the {worst.leg} leg is {worst.records:,} records behind in {worst.topic}/{worst.partition}, "
        f"more than {at_most:,}: look whether it runs (store {worst.store}), and whether it keeps up"
    )
