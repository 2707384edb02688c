"""The command line: takes the figures, prints and keeps them; ``compare`` holds two results against each other."""

from __future__ import annotations

import subprocess
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
    memory,
    peers,
    plan,
    postgres,
    record,
    record_events,
    record_singly,
    report,
    send,
    size,
    snapshot,
    start,
    triggers,
    work,
)
from benchmarks.ground import SMALL, WHOLE, Ground
from benchmarks.measure import Figure

BENCHMARKS: Final[dict[str, Callable[[Ground], Iterator[Figure]]]] = {
    "direct": direct.run,
    "document": document.run,
    "peers": peers.run,
    "jobs": jobs.run,
    "triggers": triggers.run,
    "record": record.run,
    "record_events": record_events.run,
    "record_singly": record_singly.run,
    "journal": journal.run,
    "plan": plan.run,
    "send": send.run,
    "work": work.run,
    "export": export.run,
    "audit": audit.run,
    "compact": compact.run,
    "snapshot": snapshot.run,
    "start": start.run,
    "size": size.run,
    "memory": memory.run,
    "postgres": postgres.run,
}
HOME: Final = Path(__file__).parent
PAGE, KEPT = "RESULTS.md", "results.jsonl"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["compare"]:
        _compare(arguments[1:])
    else:
        _take(arguments)


def _compare(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(
        "python -m benchmarks compare", description="Holds two files of kept results against each other."
    )
    parser.add_argument("first", type=Path, nargs="?", help="A; what was committed last, unless told")
    parser.add_argument("second", type=Path, nargs="?", help="B; what is kept now, unless told")
    values = parser.parse_args(arguments)
    first = values.first.read_text("utf-8") if values.first else _committed()
    second = (values.second or HOME / KEPT).read_text("utf-8")
    print(report.compared(report.load(first), report.load(second)))


def _committed() -> str:
    command = ["git", "show", f"HEAD:./{KEPT}"]
    return subprocess.run(command, cwd=HOME, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout


def _take(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(
        "python -m benchmarks",
        description=f"Takes the figures, prints them and puts them into {PAGE} and {KEPT}.",
    )
    parser.add_argument(
        "--small", action="store_true", help="few rows and rounds: does it run? takes seconds, keeps nothing"
    )
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help="one; can be repeated"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep the results here instead")
    parser.add_argument(
        "--directory", type=Path, help="where stores are made: on the disk that is to be measured"
    )
    parser.add_argument("--stores", type=Path, help="where sample stores are kept, to be used again")
    values = parser.parse_args(arguments)
    out = values.out or (None if values.small else HOME)
    with TemporaryDirectory(prefix="trigger-core-benchmarks-", dir=values.directory) as directory:
        run = report.this_run(Path(directory))
        ground = Ground(SMALL if values.small else WHOLE, Path(directory), values.stores or Path(directory))
        taken: list[tuple[report.Run, Figure]] = []
        with ground:
            for name in values.only or BENCHMARKS:
                print(f"{name} …", file=sys.stderr, flush=True)
                results = [(run, each) for each in BENCHMARKS[name](ground)]
                taken += results
                if out is not None:
                    _keep(out, results)
    print(report.markdown(taken))


def _keep(out: Path, results: report.Results) -> None:
    """Puts the results of one benchmark in the place of its last ones; the others stay."""
    out.mkdir(exist_ok=True)
    kept = out / KEPT
    before = report.load(kept.read_text("utf-8")) if kept.exists() else []
    after = report.merged(before, results, list(BENCHMARKS))
    kept.write_text(report.dump(after), "utf-8")
    (out / PAGE).write_text(report.markdown(after), "utf-8")


if __name__ == "__main__":
    main()
