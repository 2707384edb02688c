"""A full disk loses nothing, and is survived without a restart."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store import full_disk

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("case", full_disk.CASES, ids=lambda case: case.__name__)
def test_a_full_disk_is_survived(case: Callable[[str], None], tmp_path: Path) -> None:
    """Facts are recorded whole or not at all, answers go on, and with room again everything works."""
    command = [sys.executable, "-m", full_disk.__name__, case.__name__, str(tmp_path / "store.duckdb")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (ended.stdout, ended.returncode) == ("done\n", 0), ended.stderr
