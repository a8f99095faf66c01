"""What is a line of an explanation? A name, words, a place in the log, a tone, and the lines below it."""

import msgspec

from flows.explain.chain import Missing


class Node(msgspec.Struct, frozen=True):
    """``tone``: good, bad, soft or none; ``link`` names the link that comparisons are said of."""

    name: str
    text: str
    place: str = ""
    tone: str = ""
    children: tuple["Node", ...] = ()
    link: str = ""


def missing(name: str, link: Missing) -> Node:
    """Return the line of a link that is not there."""
    return Node(name, f"missing: {link.why}", "", "bad" if link.faulty else "soft", (), name)
