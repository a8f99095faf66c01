"""How is an explanation shown? The tree, the JSON, the page, and the exit codes of `titan explain`."""

import base64
import doctest
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ui.explain.words
from flows.explain import Asked, explain
from tests.unit.cli.conftest import Titan, titan  # noqa: F401 - a fixture
from tests.unit.explain.small_log import ORDER, SIGNAL, again, decision, events, make, signal
from ui.explain.outline import headline, outline
from ui.explain.page import page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run's folder with a whole chain; the working folder is another one."""
    folder = tmp_path / "run"
    folder.mkdir()
    make(f"{folder}/titan.db").close()
    monkeypatch.chdir(tmp_path)
    return str(folder)


def lines(node: Any, depth: int = 0) -> list[tuple[int, str, str]]:
    return [
        (depth, node.name, node.text),
        *(one for child in node.children for one in lines(child, depth + 1)),
    ]


def test_words() -> None:
    assert doctest.testmod(ui.explain.words).failed == 0


def test_the_outline_nests_what_follows_from_what(tmp_path: Path) -> None:
    with make(f"{tmp_path}/t.db") as log:
        told = explain(log, Asked(ORDER, ticks=2))
    assert headline(told) == "BUY 1 ES at market for sma of account paper: filled at 102, because crossed"
    said = lines(outline(told))
    depth = {name: at for at, name, _ in said}
    nested = ("order", "became", "decision", "signal", "bar", "ticks", "high")
    assert [depth[name] for name in nested] == [0, 1, 1, 2, 3, 4, 5]
    words = {name: text for _, name, text in said}
    assert words["position_limit"] == "0.5 against a limit of 2: passed"
    assert words["decided on"] == "sma_20 100.5"
    assert words["filled"].startswith("1 at 102, TAKER, reference 101 (1 worse), fee 1.00, 1 s later")
    assert words["parameters"] == "version (v1); the log keeps no settings (run_settings) of account paper"
    assert "does not fit" not in words
    assert sum(name == "to the close" for _, name, _ in said) == 2
    everything = {name: text for _, name, text in lines(outline(told, everything=True))}
    assert "cvd -" in everything["features"]


def test_the_tree_is_plain_where_it_is_piped(titan: Titan, path: str) -> None:  # noqa: F811
    ended = titan("explain", ORDER[:6], "--log", path)
    assert ended.code == 0, ended.err
    rows = ended.out.splitlines()
    assert "\x1b" not in ended.out
    assert rows[1].startswith(f"order: {ORDER}  BUY 1 ES at market") and rows[1].endswith(
        "[execution_requests/0@0]"
    )
    assert any(row.endswith(f"[bars/{_partition('bars')}@0.0]") for row in rows)


def test_json_has_every_link_with_its_place(titan: Titan, path: str) -> None:  # noqa: F811
    told: Any = titan("explain", "--last", "--log", path, "--json").json
    assert told["sound"] is True and told["asked"] == "the newest order"
    place = {name: told["decision"][name] for name in ("topic", "partition", "offset", "ordinal")}
    assert place == {"topic": "risk_decisions", "partition": 0, "offset": 0, "ordinal": 0}
    assert told["decision"]["checks"] == [
        {"rule": "position_limit", "value": 0.5, "limit": 2.0, "passed": True}
    ]
    assert told["features"]["values"]["rsi_14"] is None
    assert told["outcome"]["fills"][0]["book"]["update"]["topic"] == "portfolio_updates"
    assert "series" not in told


def test_exit_codes(titan: Titan, path: str, tmp_path: Path) -> None:  # noqa: F811
    assert titan("explain", "--log", path).code == 2
    assert titan("explain", ORDER, "--last", "--log", path).code == 2
    ended = titan("explain", "Tnone", "--log", path)
    assert ended.code == 2 and "no order, execution or signal 'Tnone'" in ended.err
    assert titan("explain", "--last", "--log", f"sqlite:///{tmp_path}/none.db").code == 4
    altered = [again(signal, price=7.0), *events()[1:]]
    make(f"{tmp_path}/wrong.db", altered).close()
    ended = titan("explain", ORDER, "--log", f"sqlite:///{tmp_path}/wrong.db")
    assert ended.code == 5 and "1 of" in ended.err
    assert "does not fit: price is the bar's close: 7.0 and 101.0" in ended.out
    assert titan("explain", ORDER, "--log", f"sqlite:///{tmp_path}/wrong.db", "--json").json["sound"] is False  # type: ignore[index,call-overload]


def test_the_page_says_it_all_and_loads_nothing(titan: Titan, path: str) -> None:  # noqa: F811
    ended = titan("explain", ORDER, "--log", path, "--out", "why/order.html")
    assert (ended.code, ended.out) == (0, "why/order.html\n")
    text = Path("why/order.html").read_text(encoding="utf-8")
    assert "https://" not in text.partition('<script type="text/plain"')[0].replace("<!--", "")
    for words in (
        ORDER,
        "market_data/",
        "position_limit",
        "all links fit",
        "titan explain execution_requests/0@0",
    ):
        assert words in text
    figures = msgspec.json.decode(
        text.partition('id="figures">')[2].partition("</script>")[0].replace("\\u003c", "<")
    )
    names = [trace.get("name") for trace in figures["symbol-0"]["data"]]
    assert {"sma_20", "this order"} <= set(names)
    assert figures["symbol-0"]["layout"]["shapes"][0]["type"] == "line"
    packed = text.partition('id="plotly">')[2].partition("</script>")[0]
    assert b"plotly" in zlib.decompress(base64.b64decode(packed))[:400]


def test_a_page_without_an_order_or_a_bar(tmp_path: Path) -> None:
    denied = again(decision, verdict="DENIED", reason="<b>position_limit</b>")
    with make(f"{tmp_path}/t.db", [signal, denied]) as log:
        text = page(explain(log, Asked(denied=True, with_series=True)))
        assert "Why no order: sma in ES" in text and "&lt;b&gt;position_limit" in text
        lone = page(explain(log, Asked(SIGNAL)))
        assert "The log has no bars around the decision." in lone


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_chromium_draws_the_chart(titan: Titan, path: str, tmp_path: Path) -> None:  # noqa: F811
    assert titan("explain", ORDER, "--log", path, "--out", "order.html").code == 0
    shown = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            f"--user-data-dir={tmp_path}/browser", "--virtual-time-budget=20000", "--dump-dom",
            f"file://{tmp_path}/order.html",
        ],
        capture_output=True, text=True, timeout=90, check=True,
    ).stdout  # fmt: skip
    assert 'data-drawn="yes"' in shown and 'id="trouble" hidden' in shown
    box = shown[shown.index('id="symbol-0"') :]
    assert "main-svg" in box[:3000]


def _partition(topic: str) -> int:
    from tests.unit.explain.small_log import partition

    return partition(topic)
