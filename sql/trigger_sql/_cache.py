"""The translations of a checkout, kept beside its bytecode: translating takes seconds of each process otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

_HERE: Final = Path(__file__).parent


def kept(translate: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What is kept of the files as they are now; else what ``translate`` makes of them, which is kept from then on."""
    path = _HERE / "__pycache__" / f"translated-{_digest(_HERE)}.json"
    with suppress(OSError, ValueError):
        found: dict[str, str] = json.loads(path.read_text("utf-8"))
        return found
    made = translate()
    with suppress(OSError):
        _keep(path, made)
    return made


def _keep(path: Path, made: dict[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    for older in path.parent.glob("translated-*.json"):
        older.unlink(missing_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(made, file)
    os.replace(file.name, path)  # whole from the first, whoever else is at it


def _digest(folder: Path) -> str:
    """Of all that a translation follows from: the files, how they are translated, and by what."""
    try:
        by = version("sqlglot")
    except PackageNotFoundError:
        by = ""
    told = sha256(by.encode())
    for path in sorted((*folder.glob("*.py"), *folder.rglob("*.sql"))):
        told.update(f"\n{path.relative_to(folder)}\n".encode())
        told.update(path.read_bytes())
    return told.hexdigest()[:32]
