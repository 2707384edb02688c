"""Several processes on one store, where it says that it lets them."""

import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import trigger_core
from trigger_core import Library, _keys, facts
from trigger_core.errors import StoreInUse
from trigger_core.library import Question
from trigger_core.testing.contract.samples import DIRECT, WORKFLOW, direct_trigger, jobs, workflow_trigger
from trigger_core.testing.contract.stores import command
from trigger_core.testing.contract.stories import story
from trigger_core.testing.contract.test_kill import agree
from trigger_core.testing.contract.writer import CALLS, JOBS

WRITERS = 3
QUESTIONS: Final[tuple[Question, ...]] = ("trigger", "direct")


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


def asked(library: Library, call: Callable[[], object]) -> tuple[object, list[str]]:
    """What a call answers, and what it asked the store for; it must not begin a transaction."""
    names: list[str] = []
    rows = library.store.rows

    def watched(query: str, **parameters: Any) -> list[Any]:
        names.append(query)
        return rows(query, **parameters)

    with patch.object(library.store, "rows", watched), patch.object(library.store, "read", None):
        return call(), names


def test_a_poll_that_finds_nothing_new_adds_nothing_up(library: Library) -> None:
    """It costs the look-up of a version; nothing where the process sees every write."""
    looked_up = [] if library.store.sees_every_write else ["version"]
    library.record(direct_trigger())
    for job_id in range(1, 4):
        library.record(jobs(job_id, job_id))
        for question in QUESTIONS:
            new = library.document("acme", DIRECT, question)
            again = asked(library, partial(library.document, "acme", DIRECT, question))
            assert again == (new, looked_up)


def test_an_answer_asks_once(library: Library) -> None:
    """A direct send's answer is one statement, and none where nothing changed and every write is seen."""
    library.record(direct_trigger())
    before = library.direct("acme", DIRECT)
    library.record(jobs(1, 1))
    answer, names = asked(library, lambda: library.direct("acme", DIRECT))
    assert (answer != before, names) == (True, ["ledger_rows"])
    again = [] if library.store.sees_every_write else ["ledger_rows"]
    assert asked(library, lambda: library.direct("acme", DIRECT)) == (answer, again)


def test_an_answer_is_nobodys_to_change(library: Library) -> None:
    """What a caller does to the one dict that an answer has is seen by no other."""
    run = {
        "id": "wf", "name": "Hello", "execution_id": "wfex", "type": "template_group",
        "template_group_id": "tg", "channels": ["email", "sms"],
    }  # fmt: skip
    library.record([facts.to_json(workflow_trigger()) | {"workflow": run}])
    for _ in range(2):
        channels = library.workflow("acme", WORKFLOW).channels
        assert isinstance(channels, dict)
        assert list(channels) == ["email", "sms"]
        channels.clear()


def test_a_key_is_known_without_asking(store_url: str) -> None:
    """A key that was good is asked for again only where others may have revoked it, two seconds later."""
    with trigger_core.open(store_url) as library:
        first, second = (library.create_key("acme", ["read"]) for _ in range(2))
        for key in (first, second):
            access = library.authenticate(key.key)
            assert asked(library, lambda key=key: library.authenticate(key.key)) == (access, [])  # type: ignore[misc]
        library.revoke_key("acme", first.key_id)
        assert library.authenticate(first.key) is None
        if library.store.sees_every_write:
            return
        with trigger_core.open(store_url) as other, patch("trigger_core.library.monotonic") as clock:
            clock.return_value = 0.0
            assert other.authenticate(second.key) == library.authenticate(second.key)
            library.revoke_key("acme", second.key_id)
            assert library.authenticate(second.key) is None
            clock.return_value = _keys.REMEMBERED
            assert asked(other, lambda: other.authenticate(second.key)) == (None, ["api_keys_by_prefix"])
