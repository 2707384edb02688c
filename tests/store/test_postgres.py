"""What PostgreSQL as a store has to keep to, beyond what every store has to."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.store import openers
from trigger_core.testing.contract.test_concurrency import run_all

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "in_processes", [pytest.param(False, id="short"), pytest.param(True, id="long", marks=pytest.mark.deep)]
)
def test_one_makes_the_tables_while_the_others_wait(postgres_url: str, in_processes: bool) -> None:
    """Of many that come at once, to an empty database or to an older one, each can use it and one has changed it."""
    if in_processes:
        subprocess.run([sys.executable, "-m", "tests.store.openers", postgres_url], cwd=ROOT, check=True)
    else:
        for newer in (False, True):
            with openers.library(newer=newer):
                run_all([lambda: openers.use(postgres_url)] * openers.MANY)
    with psycopg.connect(postgres_url) as connection:
        versions = connection.execute("select version from schema_version order by version").fetchall()
        assert versions == [(number,) for number in range(1, len(versions) + 1)]
        assert connection.execute("select n from added").fetchall() == [(1,)]
        assert connection.execute("select count(*) from triggers").fetchall() == [(1,)]
