"""Files that have their name only once they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from trigger_core.errors import InvalidValue, StoreUnavailable
from trigger_core.facts import UNSTORABLE


@contextmanager
def new_file(path: str) -> Iterator[str]:
    """A name beside a path, for a file that has that path once it is whole, and takes nobody's place.

    Args:
        path: of a DuckDB file that isn't there yet.

    Raises:
        InvalidValue: there is a file already, no such folder, or the path is none that DuckDB would take.
        StoreUnavailable: it could not be made, or not given its name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with new_file(os.path.join(folder, "copy")) as made, open(made, "w") as file:
    ...         print("whole", file=file, flush=True)
    ...     os.listdir(folder)
    ['copy']
    """
    if UNSTORABLE.search(path) or "?" in os.path.realpath(path):
        raise InvalidValue("path", "must be one that a store can have: in UTF-8, with no NUL and no ? in it")
    taken = InvalidValue("path", f"{path} is there already; name a file that isn't")
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.lexists(path):
        raise taken
    if not os.path.isdir(folder):
        raise InvalidValue("path", f"there is no folder {folder}")
    made = os.path.join(folder, f"trigger-core-{uuid4()}.new")
    log = f"{made}.wal"
    try:
        yield made
        if os.path.exists(log):
            raise OSError("it did not all come out of its log; the disk may be full")
        with open(made, "rb") as file:
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            raise taken from None
        except OSError:  # there are no links here
            if os.path.lexists(path):
                raise taken from None
            os.rename(made, path)
    except OSError as error:
        raise StoreUnavailable(f"{path} could not be written: {error}") from error
    finally:
        for name in (made, log):
            with suppress(FileNotFoundError):
                os.remove(name)
