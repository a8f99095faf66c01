"""Which options do all commands share, and which settings follow from them?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.config import Provenance, Settings
    from flows.connectors.log import Log

LogOption = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="RUN",
        help="sqlite:///relative.db, sqlite:////absolute.db, kafka://host:port, or the folder of a run. "
        "Default: as configured.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set one configuration key; may be repeated, the last one counts."
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file (TOML). Default: TITAN_CONFIG, else ./titan.toml.",
    ),
]


def configured(
    config: str | None = None, sets: list[str] | None = None, **flags: tuple[str, str | None]
) -> "tuple[Settings, Provenance]":
    """Return the settings that hold for this call, and where each came from.

    ``flags`` are options with a name of their own: option -> (key, text), left out where the text is None.
    """
    from flows.config import load_settings
    from flows.config.sources import Given, Origin, Text

    if flags.get("log", ("", None))[1] is not None:
        flags["log"] = ("log.url", log_url(flags["log"][1]))
    named = [
        Given(tuple(key.split(".")), Text(raw), Origin("flag", f"--{option.replace('_', '-')}"))
        for option, (key, raw) in flags.items()
        if raw is not None
    ]
    return load_settings(config, os.environ, [*(sets or []), *named])


def log_url(run: str) -> str:
    """Return the log URL that a person means: a URL, the folder of a run, or a SQLite file."""
    path = Path(run)
    if path.is_dir():
        path = path / "titan.db"
    elif not path.is_file():
        return run
    return f"sqlite:///{path}"


def open_run(run: str) -> "Log":
    """Return the log of a run that is there already: a URL, a folder, or a SQLite file."""
    return open_configured(None, run)[1]


def open_to_read(config: str | None, log: str | None) -> "Log":
    """Return an open log that is only read; a named SQLite log needs no configuration, which is slow to load."""
    from flows.connectors.log import LogSettings, open_log

    url = log_url(log) if log is not None and config is None else ""
    if url.startswith("sqlite:"):
        return open_log(url, LogSettings(create=False))
    return open_configured(config, log)[1]


def open_configured(config: str | None, log: str | None, create: bool = False) -> "tuple[Settings, Log]":
    """Return the settings and the open log; a command that only reads does not make a missing one."""
    import msgspec

    from flows.connectors.log import open_log

    settings, _ = configured(config, log=("log.url", log))
    section = settings.log if create else msgspec.structs.replace(settings.log, create=False)
    return settings, open_log(settings.log.url, section)
