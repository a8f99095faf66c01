"""How is the system told what to do? One typed tree of settings, and where each value came from."""

from flows.config.durations import ns, text
from flows.config.errors import BadValue, ConfigError, ConfigUnreadable, UnknownKey
from flows.config.load import Provenance, load_settings
from flows.config.places import recovery_dir
from flows.config.settings import Settings
from flows.config.sources import Origin

__all__ = [
    "BadValue",
    "ConfigError",
    "ConfigUnreadable",
    "Origin",
    "Provenance",
    "Settings",
    "UnknownKey",
    "load_settings",
    "ns",
    "recovery_dir",
    "text",
]
