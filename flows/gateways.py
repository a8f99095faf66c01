"""Which gateway do the settings ask for?"""

from pathlib import Path
from typing import Any

from flows.config import ConfigError, Settings, ns
from flows.connectors.gateway import CutSettings, Gateway
from flows.connectors.gateway_source import OpenGateway
from flows.connectors.recorded import RecordedSettings, open_recorded

_PROJECT = Path(__file__).resolve().parent.parent


def gateway_opener(settings: Settings) -> OpenGateway:
    """Return what opens the configured gateway, at a saved position or at its beginning.

    Raises:
        ConfigError: no gateway is configured.
    """
    chosen = settings.gateway
    cut = CutSettings(cut_ns=ns(chosen.cut), max_rows=chosen.max_rows)
    if chosen.kind == "none":
        raise ConfigError("gateway.kind is none, so there is no market data to bring in; set it to recorded or synthetic")
    recorded = RecordedSettings(
        symbol=chosen.symbol, timezone=chosen.timezone, interval_ns=ns(chosen.interval) if chosen.interval else 0
    )
    files = [_found(name) for name in chosen.files]

    def open_gateway(resume: Any) -> Gateway:
        return open_recorded(files, recorded, cut, format=chosen.format, resume=resume)

    return open_gateway


def gateway_symbols(settings: Settings) -> tuple[str, ...]:
    """Return the symbols that the configured gateway will speak of."""
    with gateway_opener(settings)(None) as gateway:
        return tuple(gateway.symbols())


def _found(name: str) -> str:
    """Return the file as named, else the project's own of that name (the demo's data from any working directory)."""
    if not Path(name).exists() and (_PROJECT / name).exists():
        return str(_PROJECT / name)
    return name
