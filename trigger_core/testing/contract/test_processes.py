"""Several processes on one store, where it says that it lets them."""

import subprocess

import trigger_core
from trigger_core.errors import StoreInUse
from trigger_core.testing.contract.stores import command
from trigger_core.testing.contract.stories import story
from trigger_core.testing.contract.test_kill import agree
from trigger_core.testing.contract.writer import CALLS, JOBS

WRITERS = 3


def test_processes_share_a_store(store_url: str) -> None:
    """Each sees what the others wrote, and nothing is lost; a store for one process says that it is in use."""
    with trigger_core.open(store_url) as library:
        if library.store.sees_every_write:
            done = subprocess.run(
                command("writer", store_url, "0:0"), capture_output=True, text=True, check=False
            )
            assert StoreInUse.__name__ in done.stderr
            return
        starts = [[f"{number}:0", f"{number + WRITERS}:0"] for number in range(WRITERS)]
        processes = [
            subprocess.Popen(command("writer", store_url, *start), stdout=subprocess.PIPE) for start in starts
        ]
        told = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * WRITERS
        assert sum(len(lines.splitlines()) for lines in told) > 0
        for number in range(2 * WRITERS):
            assert agree(library, story(number, JOBS, CALLS))
        assert list(library.audit()) == []
        with trigger_core.open(store_url) as other:
            before = library.triggers("acme").triggers[0]
            other.record([{"kind": "cancel", "trigger_id": before.id, "at": "2025-11-23T12:00:00Z"}])
            assert library.document("acme", before.id, "trigger") == other.document(
                "acme", before.id, "trigger"
            )
