"""Does docs/cli.md describe the `titan` that is there: every command, every option, every exit code, and no other?"""

import re
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from tests.architecture.source_files import ROOT
from tests.docs.markdown_files import code, documents
from ui.cli import exits
from ui.cli.app import app

REFERENCE = ROOT / "docs/cli.md"


def commands(command: TyperCommand | TyperGroup, path: str = "titan") -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command that does something, with the words that call it."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            if not inner.hidden:
                yield from commands(inner, f"{path} {name}")
    else:
        yield path, command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_is_described(words: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    group, _, name = words.rpartition(" ")
    assert re.search(rf"(`|\n *){group} (?:[\w-]+\\?\|)*{name}\b", text), (
        "several commands may stand as `titan group a|b|c`"
    )
    options = {
        option
        for parameter in COMMANDS[words].params
        if isinstance(parameter, TyperOption) and not parameter.hidden
        for option in parameter.opts
        if option.startswith("--") and option not in ("--help", "--install-completion", "--show-completion")
    }
    assert not {option for option in options if option not in text}


def test_the_documents_name_no_command_that_is_not_there() -> None:
    first = {words.split()[1] for words in COMMANDS}
    typed = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?titan ([a-z][a-z-]*)", re.MULTILINE)
    unknown = [
        (str(path), name) for path in documents() for name in typed.findall(code(path)) if name not in first
    ]
    assert not unknown


def test_every_exit_code_is_described() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    codes = (
        exits.DONE,
        exits.USAGE,
        exits.BAD_INPUT,
        exits.UNREACHABLE,
        exits.CHECK_FAILED,
        exits.INTERRUPTED,
    )
    assert not [number for number in codes if not re.search(rf"^\|\s*`?{number}`?\s*\|", text, re.MULTILINE)]
