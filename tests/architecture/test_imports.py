"""Do the arrows point inward? `schemas <- operators <- {flows, batch} <- ui`; what the core may import is listed."""

import sys
from pathlib import Path

import pytest

from tests.architecture.source_files import PACKAGES, PURE, dotted, imports, modules

ARROWS: dict[str, tuple[str, ...]] = {
    "schemas": ("schemas",),
    "operators": ("operators", "schemas"),
    "flows": ("flows", "operators", "schemas"),
    "batch": ("batch", "flows.connectors", "operators", "schemas"),
    "ui": ("ui", "batch", "flows", "operators", "schemas", "infra"),
}
CORE_PACKAGES = {"fastavro", "msgspec", "numba", "numpy"}
CORE_STANDARD = {
    "bisect", "collections", "contextlib", "dataclasses", "datetime", "difflib", "enum", "fnmatch", "functools",
    "array", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "struct", "types", "typing", "zoneinfo",
}  # fmt: skip
CORE_EXCEPTIONS = {("schemas.avro_files", "pathlib")}
"""The one module of the core that reads files: the schemas of its own package."""


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_arrows_point_inward(path: Path) -> None:
    allowed = ARROWS[path.parts[0]]
    wrong = [
        f"{path}:{line}: imports {module}"
        for line, module, name in imports(path)
        if module.partition(".")[0] in {*PACKAGES, "infra", "tests"}
        and not any(_within(target, allowed) for target in (module, f"{module}.{name}"))
    ]
    assert not wrong, f"{path.parts[0]} may import only {', '.join(allowed)}"


@pytest.mark.parametrize("path", modules(*PURE), ids=str)
def test_the_core_imports_only_what_cannot_reach_out(path: Path) -> None:
    wrong = [
        f"{path}:{line}: {module}"
        for line, module, _ in imports(path)
        if (top := module.partition(".")[0]) not in CORE_PACKAGES | CORE_STANDARD | set(PURE)
        and (dotted(path), top) not in CORE_EXCEPTIONS
    ]
    assert not wrong, (
        "no clock, file, socket, environment or randomness in the core; what it may import is listed here"
    )


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_private_names_stay_at_home(path: Path) -> None:
    wrong = [
        f"{path}:{line}: {module}.{name}"
        for line, module, name in imports(path)
        if module.partition(".")[0] in PACKAGES
        for part in (*module.split("."), name)
        if part.startswith("_") and not part.startswith("__")
    ]
    assert not wrong


def test_the_lists_name_real_modules() -> None:
    assert sys.stdlib_module_names >= CORE_STANDARD
    stale = {pair for pair in CORE_EXCEPTIONS if not _imported(*pair)}
    assert not stale, "these exceptions are not needed any more"


def _within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in allowed)


def _imported(module: str, top: str) -> bool:
    paths = (path for path in modules(*PURE) if dotted(path) == module)
    return any(name.partition(".")[0] == top for path in paths for _, name, _ in imports(path))
