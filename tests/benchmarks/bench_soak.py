"""Does a run grow, or slow down, in hours? Six of them at 1,000 events a second, as fast as the machine goes.

    python -m tests.benchmarks.bench_soak [--hours 6] [--log sqlite|kafka] [--json FILE] [--svg FILE]

`titan demo` over a made-up market: gateway, log, both legs, orders and fills in one process, as users have it. Each ten
minutes of event time it is asked by its metrics what it has done, and the system how much memory it has (resident, not
backed by files). Latencies are of the window: from a poll of a leg to its results' being given to the log (all in one
thread, at full speed), interpolated in the histogram that Prometheus would see. Growth is counted from the first hour's
end, latency is compared between the first and the last hour.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.bench_recovery import place
from tests.servers.process import die_with_parent, free_port

START_S = 1_700_000_000
EVERY_S = 600
SYMBOLS = 20
SETTINGS = {
    "gateway.kind": "synthetic",
    "gateway.cut": "1s",
    "gateway.synthetic.symbols": SYMBOLS,
    "gateway.synthetic.arrivals": "regular",
    "symbol_leg.timeframes": '["10s","1m"]',
    "strategies.sma_crossover.params.fast": 5,
    "strategies.sma_crossover.params.slow": 20,
    "sizing.fixed_fractional.notional_fraction": 0.02,
    "risk.order_rate.max_per_minute": 10_000,
}

Told = dict[str, float]
"""Series as they are scraped -> value."""


class Sample(msgspec.Struct):
    """How things stood at one moment of event time."""

    event_s: float
    wall_s: float
    rss_mib: float
    cpu_s: float
    log_mib: float
    told: Told


def main() -> None:
    """Run and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--hours", type=float, default=6.0)
    arguments.add_argument("--rate", type=int, default=1000, help="events a second, half trades, half quotes")
    arguments.add_argument("--log", choices=["sqlite", "kafka"], default="sqlite")
    arguments.add_argument("--json")
    arguments.add_argument("--svg")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, place(given.log, folder) as (url, kind):
        samples, done = soak(url, given, Path(folder))
    rows = windows(samples)
    events = done["ticks"]
    print(f"{given.hours:g} h at {given.rate} events/s: {events:,} events, {kind}, {os.cpu_count()} cores")
    print(", ".join(f"{name} {done[name]:,}" for name in ("bars", "marks", "signals", "orders", "fills")))
    show(rows)
    verdict(samples, rows)
    if given.json:
        Path(given.json).write_text(json.dumps({"done": done, "windows": rows}, indent=1))
    if given.svg:
        Path(given.svg).write_text(drawn(rows))


def soak(url: str, given: argparse.Namespace, folder: Path) -> tuple[list[Sample], dict[str, Any]]:
    """Run to the end; return a sample for each ten minutes of event time, and what the demo said."""
    port = free_port()
    settings = SETTINGS | {
        "run.metrics_port": port,
        "gateway.synthetic.rate_per_s": given.rate / 2 / SYMBOLS,
        "gateway.synthetic.duration_s": given.hours * 3600,
    }
    command = [
        sys.executable,
        "-m",
        "ui.cli",
        "demo",
        "--dir",
        str(folder),
        "--log",
        url,
        "--speed",
        "max",
        "--json",
    ]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    samples: list[Sample] = []
    with (folder / "err.txt").open("w") as err, (folder / "out.json").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=err, preexec_fn=die_with_parent)
        began, due = time.monotonic(), 0.0
        while process.poll() is None:
            time.sleep(0.1)
            told = scraped(port)
            event_s = told.get('titan_event_timestamp_seconds{leg="account"}', 0.0) - START_S
            if event_s >= due:
                due = event_s - event_s % EVERY_S + EVERY_S
                samples.append(
                    Sample(
                        event_s, time.monotonic() - began, *of_process(process.pid), size_mib(folder), told
                    )
                )
    assert process.returncode == 0, (folder / "err.txt").read_text()[-2000:]
    return samples, json.loads((folder / "out.json").read_text())


def scraped(port: int) -> Told:
    """Return all series; nothing while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith(("titan_", "process_cpu"))
    }


def of_process(pid: int) -> tuple[float, float]:
    """Return resident memory without pages of files (MiB), and CPU seconds."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float(status.partition("RssAnon:")[2].split()[0]) / 1024, cpu


def size_mib(folder: Path) -> float:
    """Return the size of the embedded log; 0 for a broker's."""
    return sum(path.stat().st_size for path in folder.glob("titan.db*")) / 2**20


def windows(samples: list[Sample]) -> list[dict[str, float]]:
    """Return what happened between two samples, for each."""
    return [dict(_window(before, after)) for before, after in zip(samples, samples[1:])]


def _window(before: Sample, after: Sample) -> Iterator[tuple[str, float]]:
    def more(name: str) -> float:
        return after.told.get(name, 0.0) - before.told.get(name, 0.0)

    yield "until_h", after.event_s / 3600
    yield "rss_mib", after.rss_mib
    yield "log_mib", after.log_mib
    yield "orders", more("titan_orders_total")
    yield "events_per_cpu_s", more("titan_ticks_total") / max(0.01, after.cpu_s - before.cpu_s)
    for leg in ("symbol", "account"):
        for quantile in (0.5, 0.99):
            name = f"{leg}_p{quantile * 100:g}_ms"
            yield (
                name,
                1000
                * quantile_of(
                    before.told, after.told, f'titan_poll_seconds_bucket{{le="{{}}",leg="{leg}"}}', quantile
                ),
            )


def quantile_of(before: Told, after: Told, series: str, quantile: float) -> float:
    """Return a quantile of what a histogram counted between two scrapes, linear within a bucket."""
    stem, _, end = series.partition("{}")
    edges = sorted(
        (float(name.removeprefix(stem).removesuffix(end)), name)
        for name in after
        if name.startswith(stem) and name.endswith(end)
    )
    counts = [(edge, after[name] - before.get(name, 0.0)) for edge, name in edges]
    wanted = quantile * counts[-1][1] if counts else 0.0
    low, below = 0.0, 0.0
    for edge, count in counts:
        if count >= wanted and count > below:
            return low if edge == float("inf") else low + (edge - low) * (wanted - below) / (count - below)
        low, below = edge, count
    return low


def show(rows: list[dict[str, float]]) -> None:
    """Print a table, a row for each half hour."""
    names = list(rows[0])
    print("  ".join(f"{name:>14}" for name in names))
    for row in rows[2::3]:
        print("  ".join(f"{row[name]:14,.2f}" for name in names))


def verdict(samples: list[Sample], rows: list[dict[str, float]]) -> None:
    """Print growth and the first against the last hour."""
    warm = next((s for s in samples if s.event_s >= 3600), samples[len(samples) // 3])
    later = [s.rss_mib - warm.rss_mib for s in samples if s.event_s >= warm.event_s]
    print(f"growth after the first hour: {later[-1]:+.1f} MiB at the end, {max(later):+.1f} at most")
    hour = min(6, len(rows) // 2)
    for name in [name for name in rows[0] if name.endswith("_ms") or name == "events_per_cpu_s"]:
        first, last = (sum(row[name] for row in part) / len(part) for part in (rows[:hour], rows[-hour:]))
        print(f"{name:>20}: first hour {first:,.2f}, last hour {last:,.2f}")


def drawn(rows: list[dict[str, float]]) -> str:
    """Return memory and latency over event time as a small SVG."""
    right = 60 + 100 * rows[-1]["until_h"]
    parts = []
    for number, name in enumerate(("rss_mib", "symbol_p99_ms", "account_p99_ms")):
        top, bottom = 1.25 * max(row[name] for row in rows) or 1.0, 110 + 120 * number
        points = " ".join(
            f"{40 + 100 * row['until_h']:.0f},{bottom - 100 * row[name] / top:.1f}" for row in rows
        )
        text = f"{name} by hour: {rows[0][name]:.1f} to {rows[-1][name]:.1f}"
        parts += [
            f'<path d="M40 {bottom - 100}V{bottom}H{right:.0f}" fill="none" stroke="#999"/>',
            f'<polyline fill="none" stroke="#26a" stroke-width="2" points="{points}"/>',
            f'<text x="44" y="{bottom - 90}" font-size="12">{text}</text>',
        ]
    size = f'width="{right + 20:.0f}" height="370" font-family="sans-serif"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>\n'


if __name__ == "__main__":
    main()
