"""What was acknowledged outlives the process, however it ends."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import trigger_core
from tests.faults.recorder import JOBS, call
from tests.samples import DIRECT, EXECUTION, direct_trigger
from trigger_core.errors import StoreForked

ROOT = Path(__file__).parents[2]


def recorded_until_killed(store: Path, moment: float) -> int:
    """How many calls a process acknowledged before it was killed, ``moment`` seconds after its first."""
    command = [sys.executable, "-m", "tests.faults.recorder", str(store), "10000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return len([first, *process.stdout.readlines()])


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="short"), pytest.param(100, id="long", marks=pytest.mark.deep)]
)
def test_what_was_acknowledged_survives_kill(tmp_path: Path, kills: int) -> None:
    """After kill -9 each acknowledged call is there, another wholly or not at all, and the audit is empty."""
    dice = random.Random(kills)
    for number in range(kills):
        store = tmp_path / f"{number}.duckdb"
        acknowledged = recorded_until_killed(store, dice.random())
        with trigger_core.open(store) as library:
            jobs = library.direct("acme", DIRECT).jobs
            assert jobs is not None
            calls = jobs.total // JOBS
            assert jobs.total == calls * JOBS
            assert calls in (acknowledged, acknowledged + 1)
            assert (jobs.sent, jobs.filtered) == ((calls - 1) * JOBS, JOBS)
            assert list(library.audit()) == []
            before = library.document("acme", DIRECT, "direct").etag
            library.record([fact for one in range(calls) for fact in call(one)])
            library.record(direct_trigger())
            assert library.document("acme", DIRECT, "direct").etag == before
        store.unlink()


def test_a_forked_child_can_neither_use_nor_harm_the_store(tmp_path: Path) -> None:
    """A child is told to open the store itself; what the parent acknowledges afterwards survives its kill."""
    script = """
import gc, os, signal, sys
import trigger_core
from tests.faults.recorder import call
from tests.samples import direct_trigger
library = trigger_core.open(sys.argv[1])
library.record(direct_trigger())
child = os.fork()
if not child:
    del library
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
for number in range(20):
    library.record(call(number))
os.kill(os.getpid(), signal.SIGKILL)
"""
    store = tmp_path / "store.duckdb"
    ended = subprocess.run([sys.executable, "-c", script, str(store)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with trigger_core.open(store) as library:
        assert library.jobs("acme", EXECUTION).pagination.total == 20 * JOBS


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_is_told_so(tmp_path: Path) -> None:
    """Reading, recording, documents and keys all raise StoreForked in a child."""
    with trigger_core.open(tmp_path / "store.duckdb") as library:
        library.record(direct_trigger())
        library.document("acme", DIRECT, "direct")
        key = library.create_key("acme", ["read"]).key
        library.authenticate(key)
        child = os.fork()
        if not child:
            told = 0
            for ask in (
                lambda: library.trigger("acme", DIRECT),
                lambda: library.document("acme", DIRECT, "direct"),
                lambda: library.authenticate(key),
                lambda: library.record(call(0)),
            ):
                try:
                    ask()
                except StoreForked:
                    told += 1
            os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
