"""Who got this message, who did not, and why: exact answers at any size, from an embeddable library over plain SQL.

>>> import trigger_core
>>> with trigger_core.open(":memory:") as library:
...     library.health()
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trigger_core import answers, catalog, errors, facts
    from trigger_core.library import Document, Library, Table, open

__all__ = ["Document", "Library", "Table", "answers", "catalog", "errors", "facts", "open"]

__version__ = "0.1.0"

_FROM_LIBRARY = frozenset({"Document", "Library", "Table", "open"})


def __getattr__(name: str) -> Any:
    """Imports what is asked for first here, so that a host's start doesn't wait for what it may never use."""
    if name in _FROM_LIBRARY:
        value = getattr(import_module("trigger_core.library"), name)
    elif not name.startswith("_") and find_spec(f"trigger_core.{name}"):
        value = import_module(f"trigger_core.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
