"""``journal.record``: how fast, beside only parsing the same lines, and how much memory it takes at most."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import trigger_core
from benchmarks.ground import Ground, remove
from benchmarks.measure import Figure, figure
from tests import journals
from trigger_core import journal


def run(ground: Ground) -> Iterator[Figure]:
    """Records a journal of shuffled lines into an empty store, each time in a process of its own."""
    file = ground.path("journal.ndjson")
    with file.open("w") as lines:
        count = journals.write(lines, ground.sizes.journal)
    speeds, peaks = [], []
    for _ in range(min(3, ground.sizes.slow.rounds)):
        store = ground.path("journal.duckdb")
        command = [sys.executable, "-m", "benchmarks.journal", str(file), str(store)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        remove(store)
        speed, peak = json.loads(done.stdout)
        speeds.append(speed)
        peaks.append(peak)
    file.unlink()
    yield figure("journal", f"{count:,} lines: lines/s ÷ lines/s of bare json.loads", speeds, better="higher")
    yield figure("journal", f"{count:,} lines: peak memory", peaks, unit="GB", wanted="< 1 GB")


def _parse(file: Path) -> float:
    begin = perf_counter()
    with file.open("rb") as lines:
        for line in lines:
            json.loads(line)
    return perf_counter() - begin


def peak() -> float:
    """The most memory that this process had, in GB.

    What ``getrusage`` says on Linux includes what the parent had when it started this process.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e9


def main(file: Path, store: Path) -> None:
    """Prints the speed as a ratio, and the peak of memory."""
    before = _parse(file)
    begin = perf_counter()
    with trigger_core.open(store) as library:
        journal.record(library, file)
    took = perf_counter() - begin
    floor = (before + _parse(file)) / 2
    print(json.dumps([floor / took, peak()]))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
