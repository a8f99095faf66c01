"""What can be wrong with a configuration.

ConfigError
├── ConfigUnreadable    the file is missing, not readable, or not TOML
├── UnknownKey          no such key; the message names the nearest one
└── BadValue            the value's type, range or combination is not allowed
"""


class ConfigError(ValueError):
    """Root of everything that loading a configuration raises on purpose."""


class ConfigUnreadable(ConfigError):
    """The file is missing, not readable, or not TOML."""


class UnknownKey(ConfigError):
    """No such key."""


class BadValue(ConfigError):
    """The value is not allowed."""
