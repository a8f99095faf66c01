"""Do the rules that ship for Prometheus speak of metrics that there are? And what is told of a log that is gone?"""

import re

import pytest
import yaml

from flows.config import load_settings
from flows.meter import Meter
from flows.metrics import RunCollector
from flows.progress import Progress
from tests.architecture.source_files import ROOT

RULES = ROOT / "infra/prometheus/titan.rules.yml"


@pytest.fixture
def progress() -> Progress:
    """A run with a leg that has read, written, saved and counted."""
    progress = Progress(orders=3, decisions=4)
    meter: Meter = progress.meters["symbol"]
    meter.opened(lambda: {("market_data", 1): 7})
    meter.began = {("market_data", 1): 2}
    meter.written["bars"] += 5
    meter.polled(12)
    meter.wrote()
    meter.saved()
    return progress


def collected(progress: Progress, url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by name and values of labels."""
    settings, _ = load_settings(None, {}, [f"log.url={url}", "log.timeout_s=0.2"])
    collector = RunCollector(settings, progress)
    samples = [sample for family in collector.collect() for sample in family.samples]
    collector.close()
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in samples}


def test_a_log_that_does_not_answer_is_told_and_the_rest_stands(progress: Progress) -> None:
    found = collected(progress, "kafka://127.0.0.1:9")
    assert found["titan_log_up", ()] == 0
    assert not [name for name, _ in found if name == "titan_log_lag_records"]
    assert found["titan_records_read_total", ("symbol", "market_data")] == 5
    assert found["titan_records_written_total", ("symbol", "bars")] == 5
    assert (found["titan_orders_total", ()], found["titan_decisions_total", ()]) == (3, 4)
    assert found["titan_poll_records_bucket", ("symbol", "10.0")] == 0
    assert found["titan_poll_records_bucket", ("symbol", "30.0")] == 1
    assert found["titan_poll_seconds_count", ("symbol",)] == 1


def test_rules_name_metrics_that_there_are(progress: Progress) -> None:
    names = {name for name, _ in collected(progress, "kafka://127.0.0.1:9")} | {"titan_log_lag_records"}
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert len(rules) > 5
    for rule in rules:
        named = set(re.findall(r"\btitan_[a-z_]+", rule["expr"]))
        assert named <= names, f"{rule.get('alert', rule.get('record'))}: {named - names}"
        assert "record" in rule or rule["annotations"]["summary"]
    loaded = yaml.safe_load(RULES.with_name("prometheus.yml").read_text(encoding="utf-8"))
    assert loaded["rule_files"] == [RULES.name]
