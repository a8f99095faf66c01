"""Where may a secret come from? The environment, or a file that only its owner may read; never a command line."""

import os

from flows.config.errors import BadValue
from flows.config.keys import Path, Placed, dotted
from flows.config.private_files import check_private
from flows.config.sources import FILE, PREFIX


def check_origin(leaf: Placed) -> None:
    """Raise for a secret that others could read where it was given.

    Raises:
        BadValue: it stood on a command line.
        ConfigUnreadable: it stands in a configuration file that others may read.
    """
    if not leaf.secret:
        return
    key, variable = dotted(leaf.path), variable_of(leaf.path)
    if leaf.origin.layer == "flag":
        raise BadValue(
            f"{key} is a secret, and everybody on this machine may read command lines: set {variable}, or let "
            f"{variable}{FILE} name a file of mode 0600 that holds it"
        )
    if leaf.origin.layer == "file":
        check_private(leaf.origin.where, os.stat(leaf.origin.where), f"it holds {key}")


def variable_of(path: Path) -> str:
    """Return the environment variable of a key.

    >>> variable_of(("log", "kafka", "sasl.password"))
    'TITAN__LOG__KAFKA__SASL__PASSWORD'
    """
    return PREFIX + "__".join(path).replace(".", "__").upper()
