"""Results: as a table for people, as lines of JSON to hold two runs against each other."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import duckdb
from attrs import frozen

import trigger_core
from benchmarks.measure import Figure

_INTRODUCTION: Final = """\
# Benchmark results

Made by `make bench`. Each figure is a ratio to a floor that was taken in the same run, in turns with it: the median of
all rounds, and between what bounds eight of ten rounds lay. "A ÷ B" with times: smaller is better; with rates (facts/s,
lines/s, requests/s): larger is better. The modules in `benchmarks/` say what exactly was done.
"""


@frozen
class Run:
    """When and where figures were taken, with what."""

    date: str
    commit: str
    cpu: str
    cores: int
    memory_gb: float
    filesystem: str
    system: str
    python: str
    duckdb: str
    trigger_core: str


def this_run(directory: Path) -> Run:
    """What this run is taken with; stores lie in ``directory``."""
    return Run(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=_commit(),
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        filesystem=_filesystem(directory),
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        duckdb=duckdb.__version__,
        trigger_core=trigger_core.__version__,
    )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(  # noqa: S603  nothing of it comes from outside
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _filesystem(directory: Path) -> str:
    """The kind of file system: on one in memory, durable writes cost nothing."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    except OSError:
        return "unknown"
    kinds = {Path(mount.split()[1]): mount.split()[2] for mount in mounts}
    path = directory.resolve()
    return next((kinds[parent] for parent in (path, *path.parents) if parent in kinds), "unknown")


def markdown(run: Run, figures: Iterable[Figure]) -> str:
    """The page of results."""
    facts = (
        f"{run.date}, commit {run.commit}",
        f"{run.cpu}, {run.cores} cores, {run.memory_gb} GB memory, {run.filesystem}, {run.system}",
        f"trigger-core {run.trigger_core}, Python {run.python}, DuckDB {run.duckdb}",
    )
    rows = [
        (
            each.benchmark,
            each.name,
            each.wanted or "—",
            f"{_number(each.median)}{each.unit and ' '}{each.unit}",
            _spread(each),
            str(each.rounds),
        )
        for each in figures
    ]
    heads = ("benchmark", "figure", "wanted", "reached", "10 to 90 %", "rounds")
    return "\n".join([_INTRODUCTION, *(f"- {fact}" for fact in facts), "", table(heads, rows), ""])


def lines(run: Run, figures: Iterable[Figure]) -> str:
    """The run, then each figure, as a line of JSON."""
    values = [attrs.asdict(run), *(attrs.asdict(each) for each in figures)]
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def read(path: Path) -> tuple[Run, list[Figure]]:
    """What ``lines`` wrote."""
    run, *figures = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return Run(**run), [Figure(**values) for values in figures]


def compared(first: Path, second: Path) -> str:
    """A table of two runs' figures, side by side."""
    (run, figures), (other_run, other_figures) = read(first), read(second)
    others = {(each.benchmark, each.name): each for each in other_figures}
    rows = []
    for each in figures:
        other = others.pop((each.benchmark, each.name), None)
        rows.append((each.benchmark, each.name, _brief(each), _brief(other), _verdict(each, other)))
    rows += [(each.benchmark, each.name, "—", _brief(each), "new") for each in others.values()]
    heads = ("benchmark", "figure", f"A: {run.commit}", f"B: {other_run.commit}", "B is")
    note = "" if run.cpu == other_run.cpu else f"\nA was taken on {run.cpu}, B on {other_run.cpu}.\n"
    return table(heads, rows) + "\n" + note


def _verdict(each: Figure, other: Figure | None) -> str:
    """What became of a figure; as long as the two spreads touch, nothing that can be told from noise."""
    if other is None:
        return "gone"
    change = f"{other.median / each.median - 1:+.0%}"
    if other.low <= each.high and each.low <= other.high:
        return f"within the spread ({change})"
    return f"{'better' if (other.median < each.median) == (each.better == 'lower') else 'worse'} ({change})"


def _brief(each: Figure | None) -> str:
    return "—" if each is None else f"{_number(each.median)} ({_spread(each)})"


def _spread(each: Figure) -> str:
    return f"{_number(each.low)} to {_number(each.high)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose source can be read, too."""
    cells = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    printed = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    return "\n".join([printed[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *printed[1:]])
