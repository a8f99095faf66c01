"""Which gateway do the settings ask for?"""

from pathlib import Path

from flows.config import ConfigError, Settings, ns
from flows.connectors.gateway import CutSettings
from flows.connectors.gateway_source import OpenGateway
from flows.connectors.recorded import RecordedSettings, open_recorded
from flows.connectors.synthetic import open_synthetic

_PROJECT = Path(__file__).resolve().parent.parent


def gateway_opener(settings: Settings) -> OpenGateway:
    """Return what opens the configured gateway, at a saved position or at its beginning.

    Raises:
        ConfigError: no gateway is configured.
    """
    chosen = settings.gateway
    cut = CutSettings(cut_ns=ns(chosen.cut), max_rows=chosen.max_rows, heartbeat_ns=ns(chosen.heartbeat))
    if chosen.kind == "none":
        raise ConfigError(
            "gateway.kind is none: there is no market data to bring in; set it to recorded or synthetic"
        )
    if chosen.kind == "synthetic":
        return lambda resume: open_synthetic(chosen.synthetic, cut, resume=resume)
    recorded, files = file_settings(settings), recorded_files(settings)
    return lambda resume: open_recorded(files, recorded, cut, format=chosen.format, resume=resume)


def gateway_symbols(settings: Settings) -> tuple[str, ...]:
    """Return the symbols that the configured gateway will speak of."""
    with gateway_opener(settings)(None) as gateway:
        return tuple(gateway.symbols())


def file_settings(settings: Settings) -> RecordedSettings:
    """Return how recorded files are read."""
    chosen = settings.gateway
    return RecordedSettings(
        symbol=chosen.symbol,
        venue=chosen.venue,
        timezone=chosen.timezone,
        interval_ns=ns(chosen.interval) if chosen.interval else 0,
        disorder_ns=ns(chosen.disorder) if chosen.disorder else -1,
    )


def recorded_files(settings: Settings) -> list[str]:
    """Return the configured files by the paths at which they are."""
    return [found(name) for name in settings.gateway.files]


def found(name: str) -> str:
    """Return the file as named, else the project's own of that name (the demo's data from any working directory)."""
    if not Path(name).exists() and (_PROJECT / name).exists():
        return str(_PROJECT / name)
    return name
