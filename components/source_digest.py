"""Digests of the source files that a step depends on, so that TFX's cache notices edits."""

import ast
import functools
import hashlib
import importlib.util
import pathlib
import re

_ENTRY_POINT = re.compile(r"[\w.]+:\w+")  # "module:Class", as registries name what they import later
_PACKAGES = ("components", "models")


def digest_sources(*modules: str) -> str:
    """Returns the SHA-256 of modules' sources and of all project modules that they import, directly or not.

    Args:
        *modules: Dotted names, such as "components.trainer.run".

    Returns:
        Hexadecimal digest.
    """
    digest = hashlib.sha256()
    for name, path in sorted(find_sources(*modules).items()):
        digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def find_sources(*modules: str) -> dict[str, pathlib.Path]:
    """Finds the project modules that modules import, directly or not, and the modules themselves; imports nothing.

    Args:
        *modules: Dotted names.

    Returns:
        File by dotted name.
    """
    found: dict[str, pathlib.Path] = {}
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        path = _locate(name)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += _list_imports(path.read_bytes())
    return found


def _locate(name: str) -> pathlib.Path | None:
    package = name.partition(".")[0]
    if package not in _PACKAGES:
        return None
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    stem = pathlib.Path(spec.submodule_search_locations[0], *name.split(".")[1:])
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@functools.cache  # by content: the steps share most of their sources
def _list_imports(source: bytes) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "relative imports are not followed"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _ENTRY_POINT.fullmatch(node.value):
            names.append(node.value.partition(":")[0])
    return tuple(names)
