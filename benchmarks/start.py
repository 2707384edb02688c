"""Cold paths: what the first import, the first opening and the first answer take, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, ratio

IMPORT: Final = "import trigger_core"
LIBRARY: Final = "from trigger_core import open"
BASE: Final = "import attrs, cattrs"
OPEN: Final = "library = trigger_core.open({path!r})"
BARE_OPEN: Final = "connection = duckdb.connect({path!r}, config=data.BARE)"
ANSWER: Final = "library.direct({account!r}, {trigger_id!r})"
BARE_ANSWER: Final = "connection.execute('select 1').fetchall()"


def run(ground: Ground) -> Iterator[Figure]:
    """Imports; then opens the biggest store and asks it about a send of very many jobs."""
    rounds = ground.sizes.slow.rounds
    for work, wanted in ((IMPORT, "≤ 1.3"), (LIBRARY, "")):  # the second is what the first put off
        importing = _ratios(3 * rounds if rounds > 1 else 1, ("", work), ("", BASE))
        yield figure("start", f"`{work}` ÷ importing attrs and cattrs", importing, wanted=wanted)
    vast = ground.vast
    jobs = vast.big.jobs * ground.sizes.vast["campaigns"]
    with ground.copy(vast) as path:
        values = {"path": str(path), "account": ACCOUNT, "trigger_id": vast.big.trigger_id}
        before = "import duckdb, trigger_core, trigger_duckdb; from benchmarks import data"
        opened, bare_opened = OPEN.format(**values), BARE_OPEN.format(**values)
        for name, subject, floor in (
            ("opening it ÷ bare duckdb.connect", (before, opened), (before, bare_opened)),
            (
                "opening it and a first `direct` ÷ bare duckdb.connect and `select 1`",
                (before, f"{opened}; {ANSWER.format(**values)}"),
                (before, f"{bare_opened}; {BARE_ANSWER}"),
            ),
            (
                "the first `direct` ÷ a first bare `select 1`",
                (f"{before}; {opened}", ANSWER.format(**values)),
                (f"{before}; {bare_opened}", BARE_ANSWER),
            ),
        ):
            yield figure(
                "start",
                f"a store of {jobs:,} jobs and {len(vast.others):,} triggers: {name}",
                _ratios(rounds, subject, floor),
            )


def _ratios(rounds: int, subject: tuple[str, str], floor: tuple[str, str]) -> list[float]:
    turns = partial(_took, *subject), partial(_took, *floor)
    if rounds > 1:
        ratio(0, *turns)  # files come into memory
    return [ratio(number, *turns) for number in range(rounds)]


def _took(before: str, work: str) -> float:
    """Seconds that the work takes in a new process, after what comes before it."""
    program = f"from time import perf_counter\n{before}\nbegin = perf_counter()\n{work}\nprint(perf_counter() - begin)"
    command = [sys.executable, "-c", program]
    root = Path(__file__).parents[1]
    return float(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout)
