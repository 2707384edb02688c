"""The most memory that recording and exporting very many jobs take, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import trigger_core
from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground, remove
from benchmarks.journal import peak
from benchmarks.measure import Figure, figure
from trigger_core import journal


def run(ground: Ground) -> Iterator[Figure]:
    """Exports a send of the huge store, then records that journal into an empty store: once each, it takes a while."""
    big = ground.huge.big
    file, store = ground.path("memory.ndjson"), ground.path("memory.duckdb")
    with ground.copy(ground.huge) as path:
        exported = _run("export", path, big.trigger_id, file)
    recorded = _run("record", store, big.trigger_id, file)
    file.unlink()
    remove(store)
    for name, value in (("exporting", exported), ("recording", recorded)):
        yield figure("memory", f"peak while {name} {big.jobs:,} jobs", [value], unit="GB", wanted="≤ 1.5 GB")


def _run(work: str, store: Path, trigger_id: str, file: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", work, str(store), trigger_id, str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    value: float = json.loads(done.stdout)
    return value


def main(work: str, store: str, trigger_id: str, file: str) -> None:
    """Prints the peak of memory, in GB."""
    with trigger_core.open(store) as library:
        if work == "export":
            with Path(file).open("wb") as lines:
                lines.writelines(map(journal.line, library.export(ACCOUNT, trigger_id)))
        else:
            journal.record(library, Path(file))
    print(json.dumps(peak()), flush=True)
    os._exit(0)  # nothing is left to do, and a big store takes its time to go


if __name__ == "__main__":
    main(*sys.argv[1:])
