"""Keys that say nothing: messages that nobody can read hold no cut back, and stand for themselves in dead letters."""

from pathlib import Path

import pytest

from flows.backtest import backtest
from flows.backtest_settings import Asked, backtest_settings
from flows.connectors.held import held
from flows.connectors.history import LogHistory, SessionHistory
from flows.connectors.log import Log
from flows.connectors.partitioner import partition_of
from flows.connectors.recorded import RecordedSettings, open_sources
from flows.replay_settings import replay_settings
from flows.run_settings import recorded_given
from flows.runtime import open_configured_log
from flows.verify import verify
from schemas.account import DeadLetter, JournalEntry
from schemas.codec import decode

ES = Path(__file__).parents[2] / "infra/demo/es_trades.parquet"
BAD = (b"\xff\xfe first", b"\x80 second", b"\xff third")
"""Keys that are no text; all of them read as symbols with a replacement character."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Market data of ES, and before it garbage of a known symbol and under keys that are none."""
    folder = tmp_path_factory.mktemp("garbage")
    history = SessionHistory(open_sources([str(ES)], RecordedSettings()))
    settings = backtest_settings(
        None, {"TITAN_LOG": f"sqlite:///{folder}/a.db"}, Asked(timeframe="1m"), history.interval_ns
    )
    found = open_configured_log(settings)
    with found.writer() as writer:
        writer.append("market_data", b"NQ", b"no block", 1)
        for key in BAD:
            for number in range(2):
                writer.append("market_data", key, b"garbage %d of " % number + key, 1)
        for chunk in history.chunks():
            for record in chunk.records:
                writer.append(record.topic, record.key, record.value, record.timestamp_ms)
    return found


def test_nothing_is_waited_for_from_what_says_nothing(log: Log, tmp_path: Path) -> None:
    history = LogHistory(log)
    assert history.symbols() == ("ES",)
    environ = {"TITAN_LOG": f"sqlite:///{tmp_path}/b.db"}
    settings = backtest_settings(None, environ, Asked(timeframe="1m"), 0, recorded_given(log))
    bare = backtest(settings, history, None, lambda *_: None)
    assert bare.dead_letters == 1 + 2 * len(BAD) and bare.fills > 20
    with open_configured_log(settings) as kept:
        assert backtest(settings, history, kept, lambda *_: None).topics == bare.topics
        cuts = [decode("account_journal", record.value or b"") for record in held(kept, "account_journal")]
        letters = [decode("dead_letters", record.value or b"") for record in held(kept, "dead_letters")]
        verdict = verify(kept, replay_settings(kept, None, {}), None, lambda _: None)
    assert cuts and not any(isinstance(cut, JournalEntry) and cut.forced for cut in cuts)
    of_bad = [one for one in letters if isinstance(one, DeadLetter) and one.original.startswith(b"garbage")]
    assert len(of_bad) == 2 * len(BAD)
    for letter in of_bad:
        assert letter.partition == partition_of(letter.original.partition(b" of ")[2], 4)
    assert verdict.equal, [one.first for one in verdict.topics if one.first]
