"""Copies a store into another, and says when it got on.

``command("copier", SOURCE, TARGET)`` writes a line for each report of progress.
"""

import os

import trigger_core
from trigger_core import _copy_facts, _copy_work
from trigger_core.copying import copy
from trigger_core.testing.contract.stores import arguments


def main(source: str, target: str) -> None:
    """Copies in small steps, so that a kill hits any of them."""
    vars(_copy_facts).update(_TRIGGERS=2, _JOBS=7, _BATCH=10)
    vars(_copy_work).update(_TRIGGERS=1, _PAGE=3)

    def tell(what: str, done: int, _all: int | None) -> None:
        os.write(1, f"{what} {done}\n".encode())

    with trigger_core.open(source) as one, trigger_core.open(target) as other:
        assert copy(one, other, progress=tell).is_sound


if __name__ == "__main__":
    main(*arguments())
