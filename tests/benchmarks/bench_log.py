"""How fast are the two backends? Prints; asserts nothing.

    python -m tests.benchmarks.bench_log [records] [value bytes]

Append ends with a flush; reads are from the first offset to the end by `poll_by_key` and `poll`. CPU is the
client's own. Last, the time from `flush` to the record in another connection's `poll`, one record at a time.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from flows.connectors.log import Log, LogSettings, TopicSpec, open_log
from tests.servers.kafka import KafkaServer

DAY = 1_700_000_000_000
KEYS = [b"SYM%03d" % n for n in range(500)]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(f"{count} records of {size} B, 500 keys, 4 partitions")
    with tempfile.TemporaryDirectory() as folder:
        for synchronous in ("full", "normal"):
            settings = LogSettings(synchronous=synchronous)  # type: ignore[arg-type]
            with open_log(f"sqlite:///{folder}/{synchronous}.db", settings) as log:
                bench(f"sqlite {synchronous}", log, count, size)
    with KafkaServer() as server, open_log(f"kafka://{server.bootstrap}") as log:
        bench(server.kind, log, count, size)


def bench(name: str, log: Log, count: int, size: int) -> None:
    """All figures of one backend."""
    print(name)
    log.apply([TopicSpec("t", 4), TopicSpec("one", 1)])
    value = os.urandom(size)
    with log.writer() as writer:
        writer.append("one", b"warm", value, DAY)
        writer.flush()

        def append() -> None:
            for n in range(count):
                writer.append("t", KEYS[n % 500], value, DAY + n)
            writer.flush()

        timed("append, one flush", count, append)

        def append_in_small_batches() -> None:
            for n in range(count // 10):
                writer.append("one", KEYS[n % 500], value, DAY + n)
                if n % 100 == 99:
                    writer.flush()

        timed("append, flush every 100", count // 10, append_in_small_batches)
    for rows in (1000, 10_000):
        timed(f"poll_by_key({rows})", count, partial(read, log, rows, by_key=True))
    timed("poll(1000)", count, partial(read, log, 1000, by_key=False))
    hops(log, value)


def read(log: Log, rows: int, *, by_key: bool) -> None:
    with log.reader({("t", p): 0 for p in range(4)}) as reader:
        stop = reader.ends()
        while not reader.at_end(stop):
            if by_key:
                reader.poll_by_key(rows, 1)
            else:
                reader.poll(rows, 1)


def hops(log: Log, value: bytes, count: int = 300) -> None:
    """Append, flush, poll: one record at a time."""
    taken = []
    with log.writer() as writer, log.reader({("one", 0): log.span("one", 0)[1]}) as reader:
        for _ in range(count):
            started = time.perf_counter()
            writer.append("one", b"k", value, DAY)
            writer.flush()
            while not reader.poll_by_key(10, 1):
                pass
            taken.append(time.perf_counter() - started)
    taken = sorted(taken[20:])
    print(
        f"  one record there and back: p50 {taken[len(taken) // 2] * 1e3:.2f}, p99 {taken[-3] * 1e3:.2f} ms"
    )


def timed(what: str, count: int, run: Callable[[], None]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"  {what:24} {count / wall / 1e3:7.0f} k/s"
        f"   {wall / count * 1e6:6.2f} us wall  {cpu / count * 1e6:6.2f} us CPU"
    )


if __name__ == "__main__":
    main()
