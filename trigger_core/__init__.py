"""Who got this message, who did not, and why: exact answers at any size, from an embeddable library over plain SQL.

>>> import trigger_core
>>> with trigger_core.open(":memory:") as library:
...     library.health()
"""

from trigger_core import answers, catalog, errors, facts
from trigger_core.library import Document, Library, Table, open

__all__ = ["Document", "Library", "Table", "answers", "catalog", "errors", "facts", "open"]

__version__ = "0.1.0"
