"""A process that is killed loses nothing that it acknowledged, and leaves nothing half recorded."""

import subprocess
import time
from random import Random

import pytest

import trigger_core
from trigger_core import Library
from trigger_core.testing.contract.documents import assert_covers
from trigger_core.testing.contract.model import Model
from trigger_core.testing.contract.stores import command
from trigger_core.testing.contract.stories import story
from trigger_core.testing.contract.strategies import History
from trigger_core.testing.contract.test_histories import answers_of, model_answers
from trigger_core.testing.contract.writer import CALLS, JOBS

WRITERS = 3

Done = dict[int, int]
"""How many calls of each story were acknowledged."""


def write_on(store_url: str, done: Done, dice: Random | None) -> Done:
    """Lets a process go on with the stories, and kills it if there are dice; what was acknowledged by the end of it.

    Mostly the kill hits it while it records, now and then while it starts.
    """
    starts = [f"{number}:{calls}" for number, calls in done.items()]
    with subprocess.Popen(command("writer", store_url, *starts), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = b""
        if dice is not None:
            if dice.random() < 0.85:
                said = b"".join(process.stdout.readline() for _ in range(dice.randrange(1, 12)))
                time.sleep(dice.random() * 0.02)
            else:
                time.sleep(dice.random() * 0.6)
            process.kill()
        said += process.stdout.read()
    assert dice is not None or process.returncode == 0
    acknowledged = dict(done)
    for line in said.decode().splitlines():
        number, calls = map(int, line.split())
        acknowledged[number] = calls
    return acknowledged


def agree(library: Library, history: History) -> bool:
    """Whether the library answers what the model answers of one trigger's history so far."""
    model = Model()
    for call in history:
        model.record(call)
    if not history:
        return True
    try:
        found = answers_of(library, history)
        for name, expected in model_answers(model, history).items():
            assert_covers(expected, found[name])
    except AssertionError:
        return False
    return True


def calls_recorded(library: Library, number: int, acknowledged: int) -> int:
    """After how many of its calls a story stands: those acknowledged, or one more, that was being written."""
    whole = story(number, JOBS, CALLS)
    known = {one.campaign_name for one in library.triggers("acme", limit=200).triggers}
    if f"story {number}" not in known:
        assert acknowledged == 0
        return 0
    for calls in (acknowledged, acknowledged + 1):
        if calls and agree(library, whole[:calls]):
            return calls
    raise AssertionError(f"story {number} stands neither as after {acknowledged} calls nor as after one more")


@pytest.mark.parametrize(
    ("rounds", "kills"),
    [pytest.param(1, 2, id="short"), pytest.param(20, 6, id="long", marks=pytest.mark.deep)],
)
def test_nothing_acknowledged_is_lost(store_url: str, rounds: int, kills: int) -> None:
    """Killed at any moment, a store has every acknowledged call, and of the others each wholly or not at all.

    It opens again at once, its audit finds nothing, and what was interrupted can be recorded again.
    """
    dice = Random(rounds)
    for first in range(0, rounds * WRITERS, WRITERS):
        done = dict.fromkeys(range(first, first + WRITERS), 0)
        for _ in range(kills):
            done = write_on(store_url, done, dice)
            with trigger_core.open(store_url) as library:
                assert list(library.audit()) == []
                done = {number: calls_recorded(library, number, calls) for number, calls in done.items()}
        write_on(store_url, done, None)
        with trigger_core.open(store_url) as library:
            for number in done:
                history = story(number, JOBS, CALLS)
                assert agree(library, history)
                before = answers_of(library, history)
                for call in history:
                    library.record(call)
                assert answers_of(library, history) == before
            assert list(library.audit()) == []
