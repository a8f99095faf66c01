"""What stands inside a page so that it opens anywhere? Files of this package, data, and plotly.js itself.

plotly.js (MIT licence) is the Python package's own, compressed: browsers unpack it by themselves (DecompressionStream,
in all of them since 2023).
"""

import base64
import zlib
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import orjson
from plotly.offline import get_plotlyjs


@cache
def own_file(name: str, package: str = "ui.report") -> str:
    """Return the text of a file of a package: a page's template, style or script."""
    return (files(package) / name).read_text(encoding="utf-8")


@cache
def page_template(name: str, package: str = "ui.report") -> Template:
    """Return a page's template: its body, inside the document that all pages share."""
    return Template(own_file("document.html").replace("$body", own_file(name, package)))


@cache
def plotly() -> str:
    """Return plotly.js, deflated, in base64."""
    return base64.b64encode(zlib.compress(get_plotlyjs().encode(), 6)).decode()


def plotly_licence() -> str:
    """Return the words of plotly.js about its licence, fit for an HTML comment."""
    return escape(get_plotlyjs()[:200].partition("*/")[0].strip("/* \n"))


def script_json(value: Any) -> str:
    """Return JSON that may stand inside a script element."""
    encoded = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return encoded.replace("<", "\\u003c")
