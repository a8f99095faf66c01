"""Does docs/configuration.md describe every key that can be set, with its default?"""

import re

from flows.config import load_settings
from flows.config.keys import dotted, leaves
from flows.config.settings import InstrumentSection
from tests.architecture.source_files import ROOT

TEXT = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| (?:`([^`]*)`)?", TEXT, re.MULTILINE))


def test_every_key_stands_in_the_document_with_its_default() -> None:
    settings, _ = load_settings()
    for path, value in leaves(settings):
        if path[0] == "strategies":
            key = path[-1] if path[2] == "params" else f"strategies.NAME.{path[-1]}"
            assert f"| `{key}` |" in TEXT
        elif dotted(path) != "gateway.files":
            assert ROWS.get(dotted(path), "no row") == _shown(value), dotted(path)


def test_the_document_names_no_key_that_is_not_there() -> None:
    settings, _ = load_settings()
    known = {dotted(path) for path, _ in leaves(settings)}
    unknown = [key for key in ROWS if "." in key and key not in known]
    assert not unknown


def test_every_field_of_an_instrument_is_described() -> None:
    for field in InstrumentSection.__struct_fields__:
        assert f"`instruments.SYMBOL.{field}`" in TEXT


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{part}"' for part in value) + "]"
    if isinstance(value, str) and value.isdigit():
        return f'"{value}"'
    return str(value)
