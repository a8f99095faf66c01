"""How is a schema registry reached?"""

import msgspec

from flows.secrets import Secret


class RegistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As Confluent's clients are told of one."""

    url: str = ""
    """Empty: there is none."""
    username: str = ""
    """Of basic authentication; empty: none."""
    password: Secret = Secret("")
    ca: str = ""
    """PEM file of the authority that signed an https registry's certificate; empty: the system's."""
    timeout_s: float = 10.0
    """How long one answer may take."""
