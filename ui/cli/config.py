"""`titan config`: which settings hold, and where does each come from?"""

from typing import Any

import typer

from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, table

app = typer.Typer(help="Settings: which hold, and where each comes from.", no_args_is_help=True)

EXAMPLES = (
    "Examples:\n\ntitan config show\n\ntitan config show strategies --json\n\n"
    "titan config show --set strategies.sma_crossover.params.fast=10"
)


@app.callback()
def _group() -> None:
    """Settings: which hold, and where each comes from."""


@app.command("show", epilog=EXAMPLES)
def show(
    prefix: str = typer.Argument(
        "", help="Only keys that start so, such as strategies or log.kafka.", show_default=False
    ),
    config: ConfigOption = None,
    sets: SetOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every key with its value and where it came from; secrets are masked.

    Sources, each stronger than the one before: defaults, the file, TITAN__SECTION__KEY variables, flags.
    """
    from flows.config.keys import dotted, leaves
    from flows.secrets import Secret, masked

    settings, provenance = configured(config, sets, log=("log.url", log))
    rows: list[dict[str, Any]] = []
    for path, value in leaves(settings):
        key = dotted(path)
        if key == prefix or not prefix or key.startswith(prefix.rstrip(".") + "."):
            shown = masked(path, str(value))
            plain = shown if isinstance(value, Secret) or shown != str(value) else value
            origin = provenance[key]
            rows.append({"key": key, "value": plain, "source": origin.layer, "where": origin.where})
    if not rows:
        from ui.cli.exits import UsageError

        raise UsageError(f"no key starts with {prefix!r}: titan config show lists them all")
    if as_json:
        emit_json(rows)
    else:
        table(["key", "value", "from"], [(row["key"], _text(row["value"]), row["where"]) for row in rows])


def _text(value: Any) -> str:
    """Return a value as TOML would write it, texts without their quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)
