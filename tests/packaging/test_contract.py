"""The suite for stores, as somebody with a store of their own finds it."""

import re
import subprocess
import sys
from pathlib import Path

from trigger_core.testing import contract

FOLDER = Path(contract.__file__).parent
PROSE = (FOLDER / "CONTRACT.md").read_text("utf-8")
MODULE = re.search(r"\n\n((?:    .*\n|\n)+?)\nand then", contract.__doc__ or "")


def named_tests() -> dict[str, set[str]]:
    """The names of all tests by the file that they are in."""
    return {
        path.name: set(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))
        for path in FOLDER.rglob("test_*.py")
    }


def test_every_clause_names_tests_that_are_there() -> None:
    """Each clause but one names tests, and each test that is named is in the suite."""
    named = set(re.findall(r"`(test_\w+)`", PROSE))
    assert named - {name for names in named_tests().values() for name in names} == set()
    clauses = re.split(r"^\d+\. ", PROSE, flags=re.MULTILINE)[1:]
    assert [clause for clause in clauses if "`test_" not in clause and "`dialect`" not in clause] == []


def test_every_file_holds_a_clause() -> None:
    """No file of the suite is without a clause that names one of its tests; faults of senders have none of a store."""
    named = set(re.findall(r"`(test_\w+)`", PROSE))
    assert {file for file, names in named_tests().items() if not names & named} == {"test_faults.py"}


def test_a_strangers_store_takes_one_fixture(tmp_path: Path) -> None:
    """The module that the docstring shows runs the suite on a store that the project doesn't know."""
    assert MODULE is not None
    fixture = re.sub("^    ", "", MODULE[1], flags=re.MULTILINE)
    (tmp_path / "my_store_fixture.py").write_text(fixture, "utf-8")
    (tmp_path / "my_store.py").write_text("from trigger_duckdb import DuckDBStore as MyStore\n", "utf-8")
    command = "-m pytest --pyargs trigger_core.testing.contract -p my_store_fixture -p no:cacheprovider"
    done = subprocess.run(
        [
            sys.executable,
            *command.split(),
            "-q",
            "-k",
            "test_values_keep_their_types or test_processes_share",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
