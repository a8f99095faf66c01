"""What is said about one dead letter? Its fields, what its bytes say, and what lies around it, as plain values."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.connectors.log import Log
    from flows.dead_letters.letters import Letter
    from schemas.account import DeadLetter


def plain(found: "Letter") -> dict[str, Any]:
    """Return a letter's own fields, its bytes in hexadecimal."""
    import msgspec

    said = msgspec.to_builtins(found.letter, builtin_types=(bytes,))
    said["original"] = found.letter.original.hex()
    said["state"] = found.state
    said["lies_at"] = f"dead_letters/{found.partition}@{found.offset}"
    return dict(said)


def whole(log: "Log", found: "Letter") -> dict[str, Any]:
    """Return all that is known of a letter, as plain values."""
    import msgspec

    from flows.dead_letters.letters import around, former_of
    from flows.dead_letters.plan import Promises, plan

    near = around(log, found.letter, 2)
    original = next((record for record in near if record.offset == found.letter.offset), None)
    planned = plan(log, found, Promises(log))
    return plain(found) | {
        "key": original.key.decode(errors="replace") if original else None,
        "headers": {name: value.decode(errors="replace") for name, value in original.headers} if original else {},
        "timestamp_ms": original.timestamp_ms if original else None,
        "former": former_of(original),
        "sent_again": msgspec.to_builtins(found.redrive),
        "decoded": list(_said_by(found.letter)),
        "around": [
            {"at": f"{r.topic}/{r.partition}@{r.offset}", "key": r.key.decode(errors="replace"),
             "says": list(_said(r.topic, r.value or b""))[:3]}
            for r in near if r is not original
        ],
        "redrive": {"would": f"sent to {planned.topic}/{planned.partition}" if planned.topic else "not be sent",
                    "against": planned.against},
    }  # fmt: skip


def _said_by(letter: "DeadLetter") -> Iterator[dict[str, Any]]:
    """Yield what the original says; the lines of a file that never entered are text."""
    if letter.partition < 0:
        return iter([{"line": letter.ordinal, "text": letter.original.decode(errors="replace")}])
    return _said(letter.topic, letter.original)


def _said(topic: str, value: bytes) -> Iterator[dict[str, Any]]:
    """Yield what the bytes say, as far as they can be read: their events, or text, or why not."""
    from schemas.codec import DecodeError
    from schemas.flatten import flatten

    try:
        yield from flatten(topic, value)
    except DecodeError as error:
        if value and value[:1] != b"\x00" and value.isascii():
            yield {"text": value.decode()}
        else:
            yield {"unreadable": str(error)}
