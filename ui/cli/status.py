"""`titan status`: how do things stand, as far as the log tells?"""

from typing import TYPE_CHECKING, Any

from ui.amounts import money
from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured
from ui.cli.output import emit_json, moment, pairs, table, write

if TYPE_CHECKING:
    from flows.config import Settings
    from flows.connectors.log import Log

EXAMPLES = "Examples:\n\ntitan status\n\ntitan status --json --log sqlite:///data/titan.db"

_MARKS_READ = 200
_DEAD_READ = 1000


def status(log: LogOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print topics and their sizes, the account, the last marks, dead letters and the recovery store."""
    settings, opened = open_configured(config, log)
    with opened:
        found = survey(settings, opened)
    if as_json:
        emit_json(found)
    else:
        _print(found)


def survey(settings: "Settings", log: "Log") -> dict[str, Any]:
    """Return everything that `titan status` says, as plain values; times in ns, amounts in units of 1e-9."""
    from flows.secrets import masked

    present = log.topics()
    return {
        "log": masked(("log", "url"), settings.log.url),
        "topics": {name: _topic(log, name) for name in present},
        "portfolios": _portfolios(log) if "portfolio_updates" in present else [],
        "marks": _marks(log) if "marks" in present else [],
        "dead_letters": _dead_letters(log) if "dead_letters" in present else {"count": 0, "reasons": {}},
        "recovery": _recovery(settings),
    }


def _topic(log: "Log", name: str) -> dict[str, Any]:
    spans = log.spans(name)
    return {
        "records": sum(end - first for first, end in spans),
        "partitions": [{"partition": i, "first": first, "end": end} for i, (first, end) in enumerate(spans)],
    }


def _portfolios(log: "Log") -> list[dict[str, Any]]:
    """Return the last update of every account that is among the newest."""
    from flows.connectors.latest import newest
    from schemas.flatten import flatten

    by_account: dict[str, dict[str, Any]] = {}
    for record in newest(log, "portfolio_updates", 20):
        event = flatten("portfolio_updates", record.value or b"")[0]
        by_account[event["account"]] = event
    for event in by_account.values():
        event["profit_nanos"] = event["realized_nanos"] + event["unrealized_nanos"] - event["fees_nanos"]
    return list(by_account.values())


def _marks(log: "Log") -> list[dict[str, Any]]:
    """Return the last mark of every symbol that is among the newest records."""
    from flows.connectors.latest import newest
    from schemas.flatten import flatten

    by_symbol: dict[str, dict[str, Any]] = {}
    for record in newest(log, "marks", _MARKS_READ):
        for event in flatten("marks", record.value or b""):
            by_symbol[event["symbol"]] = {
                name: event[name] for name in ("symbol", "ts_event_ns", "close", "bid", "ask")
            }
    return [by_symbol[symbol] for symbol in sorted(by_symbol)]


def _dead_letters(log: "Log") -> dict[str, Any]:
    """Return how many there are, and the reasons of the newest."""
    from collections import Counter

    from flows.connectors.held import held
    from flows.connectors.latest import newest
    from schemas.flatten import flatten

    reasons = Counter(
        flatten("dead_letters", record.value or b"")[0]["reason"]
        for record in newest(log, "dead_letters", _DEAD_READ)
    )
    count = sum(1 for _ in held(log, "dead_letters"))
    return {"count": count, "reasons": dict(reasons.most_common()), "reasons_of_newest": _DEAD_READ}


def _recovery(settings: "Settings") -> dict[str, Any]:
    from flows.config import recovery_dir

    folder = recovery_dir(settings)
    files = [path.stat() for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {
        "folder": str(folder),
        "exists": folder.is_dir(),
        "files": len(files),
        "bytes": sum(file.st_size for file in files),
        "modified_ns": max((file.st_mtime_ns for file in files), default=None),
    }


def _print(found: dict[str, Any]) -> None:
    dead, recovery = found["dead_letters"], found["recovery"]
    saved = f"saved {moment(recovery['modified_ns'])}" if recovery["modified_ns"] else "nothing saved yet"
    reasons = ", ".join(f"{reason} {count}" for reason, count in dead["reasons"].items())
    pairs(
        [
            ("log", found["log"]),
            ("dead letters", f"{dead['count']:,}" + (f" ({reasons})" if reasons else "")),
            ("recovery", f"{recovery['folder']}: {saved}"),
        ]
    )
    write("")
    table(
        ["topic", "records", "partitions (first..end)"],
        [
            (name, topic["records"], " ".join(f"{p['first']}..{p['end']}" for p in topic["partitions"]))
            for name, topic in found["topics"].items()
        ],
    )
    for account in found["portfolios"]:
        write("")
        _print_account(account)
    if found["marks"]:
        write("")
        rows = [
            (m["symbol"], moment(m["ts_event_ns"]), m["close"], m["bid"], m["ask"]) for m in found["marks"]
        ]
        table(["symbol", "last mark", "close", "bid", "ask"], rows)


def _print_account(account: dict[str, Any]) -> None:
    pairs(
        [
            ("account", f"{account['account']} ({account['trading_state']})"),
            ("as of", moment(account["ts_event_ns"])),
            ("equity", money(account["equity_nanos"])),
            ("cash", money(account["cash_nanos"])),
            ("profit", f"{money(account['profit_nanos'])} after fees of {money(account['fees_nanos'])}"),
            ("drawdown", f"{100 * account['drawdown']:.2f} %"),
        ]
    )
    books = [
        (
            b["strategy"],
            b["symbol"],
            b["quantity_nanos"] / 1e9,
            money(b["realized_nanos"]),
            money(b["unrealized_nanos"]),
        )
        for b in account["books"]
    ]
    if books:
        table(["strategy", "symbol", "position", "realised", "unrealised"], books)
