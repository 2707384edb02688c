"""A journal of a million lines."""

import subprocess
import sys
from pathlib import Path

import pytest

BIG = """
import resource, sys, trigger_core
from tests.journals import write
from trigger_core import journal

path, store, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(path, "w") as file:
    lines = write(file, jobs)
with trigger_core.open(store) as library:
    summary = journal.record(library, path)
    assert sum(summary.recorded.values()) == summary.lines == lines, summary
    assert list(library.audit()) == []
print(lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.deep
def test_million_lines_in_bounded_memory(tmp_path: Path) -> None:
    """A journal of a million lines takes less than 500 MB."""
    done = subprocess.run(
        [sys.executable, "-c", BIG, tmp_path / "journal.ndjson", tmp_path / "store.duckdb", "223000"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines, megabytes = map(int, done.stdout.split())
    assert lines > 990_000
    assert megabytes < 500
