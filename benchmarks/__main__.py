"""The command line: takes the figures, prints and keeps them; ``compare`` holds two runs' against each other."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import (
    audit,
    compact,
    direct,
    document,
    export,
    jobs,
    journal,
    plan,
    record,
    record_singly,
    report,
    send,
    snapshot,
    triggers,
    work,
)
from benchmarks.ground import SMALL, WHOLE, Ground
from benchmarks.measure import Figure

BENCHMARKS: Final[dict[str, Callable[[Ground], Iterator[Figure]]]] = {
    "direct": direct.run,
    "document": document.run,
    "jobs": jobs.run,
    "triggers": triggers.run,
    "record": record.run,
    "record_singly": record_singly.run,
    "journal": journal.run,
    "plan": plan.run,
    "send": send.run,
    "work": work.run,
    "export": export.run,
    "audit": audit.run,
    "compact": compact.run,
    "snapshot": snapshot.run,
}
RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["compare"]:
        _compare(arguments[1:])
    else:
        _take(arguments)


def _compare(arguments: Sequence[str]) -> None:
    parser = ArgumentParser("python -m benchmarks compare", description="Holds two runs against each other.")
    parser.add_argument("first", type=Path, help="A: the lines of JSON of one run")
    parser.add_argument("second", type=Path, help="B: those of another")
    values = parser.parse_args(arguments)
    print(report.compared(values.first, values.second))


def _take(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(
        "python -m benchmarks",
        description="Takes the figures and prints them. A whole run replaces RESULTS.md and adds to results/.",
    )
    parser.add_argument(
        "--small", action="store_true", help="few rows and rounds: does it run? takes seconds"
    )
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help="one; can be repeated"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="keep the results here, and lines of JSON beside it"
    )
    parser.add_argument(
        "--directory", type=Path, help="where stores are made: on the disk that is to be measured"
    )
    values = parser.parse_args(arguments)
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="trigger-core-benchmarks-", dir=values.directory) as directory:
        run = report.this_run(Path(directory))
        ground = Ground(SMALL if values.small else WHOLE, Path(directory))
        for name in values.only or BENCHMARKS:
            print(f"{name} …", file=sys.stderr, flush=True)
            figures += BENCHMARKS[name](ground)
    page = report.markdown(run, figures)
    print(page)
    out = values.out or (None if values.small or values.only else RESULTS)
    if out is not None:
        out.write_text(page, "utf-8")
        kept = out.parent / "results" / f"{run.date[:10]}-{run.commit}.json"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(report.lines(run, figures), "utf-8")


if __name__ == "__main__":
    main()
