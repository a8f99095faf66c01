"""How is a summary struct shown? Names and values; lists of structs and dicts of numbers as tables below."""

from typing import Any

from ui.amounts import money
from ui.cli.output import moment, pairs, table, write


def print_summary(summary: Any) -> None:
    """Print any summary struct: times of *_ns as UTC, amounts of *_nanos with two decimals."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(summary)
    pairs((_title(name), _shown(name, value)) for name, value in plain.items() if not _is_table(value))
    for name, value in plain.items():
        if _is_table(value) and value:
            write("")
            _print_table(_title(name), value)


def _is_table(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict)


def _print_table(title: str, value: Any) -> None:
    if isinstance(value, list):
        names = list(value[0])
        table(
            [_title(name) for name in names], [[_shown(name, row[name]) for name in names] for row in value]
        )
    elif all(isinstance(inner, dict) for inner in value.values()):
        names = list(next(iter(value.values())))
        rows = [[key, *(_shown(name, row[name]) for name in names)] for key, row in value.items()]
        table([title, *map(_title, names)], rows)
    else:
        write(f"{title}:")
        pairs((f"  {key}", _shown(key, inner)) for key, inner in value.items())


def _title(name: str) -> str:
    for suffix in ("_nanos", "_ns"):
        name = name.removesuffix(suffix)
    return name.replace("_", " ")


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return "-"
    if name.endswith("_nanos"):
        return money(value)
    if name.startswith(("ts_", "first_ts", "last_ts")) and name.endswith("_ns"):
        return moment(value) if value else "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value
