"""The audit finds nothing in what the library records, and finds whatever is planted."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import trigger_core
from tests.sql.example import example_library
from trigger_core import Library, facts
from trigger_core._audit import Difference, audit
from trigger_core.testing.contract.strategies import History, histories

PLANTED = Path(__file__).with_name("planted.sql")
SMS = "019ab000-0001-7000-8000-000000000101"


def planted() -> dict[str, str]:
    """Statements that make something wrong, by the subject that the audit has to report."""
    _, *blocks = PLANTED.read_text("utf-8").split("\n\n")
    return {
        subject.removeprefix("-- "): text for subject, _, text in (block.partition("\n") for block in blocks)
    }


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    """A store with a few triggers of all flows."""
    with example_library() as library:
        yield library


class Undo(Exception):
    """Leaves a transaction without its changes."""


def audited(library: Library, statement: str) -> list[Difference]:
    """What the audit finds once a statement has run, which is then undone."""
    found: list[Difference] = []
    with suppress(Undo), library.store.write() as session:
        session.cursor.execute(statement)  # type: ignore[attr-defined]
        found.extend(audit(session))
        raise Undo
    return found


def test_example_is_sound(library: Library) -> None:
    """A store that was filled through the library has no difference."""
    assert list(library.audit()) == []


@pytest.mark.parametrize(("subject", "statement"), planted().items(), ids=planted())
def test_planted_error_is_found(library: Library, subject: str, statement: str) -> None:
    """A number, sample, key or reference that doesn't follow from the rows is reported by what it is."""
    assert subject in {re.sub(" '.*'", "", each.subject) for each in audited(library, statement)}


def test_net_zero_is_no_difference(library: Library) -> None:
    """What came and went again leaves a ledger row that counts nothing, and is no difference."""
    statement = """
        insert into tally
        select account, trigger_id, execution_id, 'filtered', 'gone', 0, 0, 0, null, null, 1, null from executions
    """
    assert audited(library, statement) == []


def test_spare_samples_are_no_difference(library: Library) -> None:
    """Samples beyond the hundred lowest may stay; none among the hundred or before one may be missing."""
    crowd = """
        insert into jobs
        select
            account, trigger_id, execution_id, n, 'user', null, null, null, filtered_at, null, filtered_at,
            code, message, null, null, null, null, null, null, null, null
        from jobs, range(10, 160) as numbers(n)
        where job_id = 4;
        insert into samples
        select account, trigger_id, execution_id, message, job_id, contact from jobs
        where job_id between 10 and
    """
    reason = "for reason Contact opted out of email"
    for sampled, missing in (
        ("159", set()),
        ("108", set()),
        ("107", {f"sample of job 108 {reason}"}),
        ("159 and job_id <> 140", {f"sample of job 140 {reason}"}),
    ):
        subjects = {each.subject for each in audited(library, f"{crowd} {sampled}")}
        assert {each for each in subjects if each.startswith("sample")} == missing


def test_difference_reads_well(library: Library) -> None:
    """A difference says in one line where it is, what is recorded and what follows."""
    found = audited(library, "update tally set n = 7 where detail like 'No approved%'")
    assert [str(each) for each in found] == [
        f"acme, trigger 019ab000-0001-7000-8000-000000000001, execution {SMS}: "
        "ledger filtered 'No approved SMS template for country: IN' n is 7, derived 1"
    ]


def stays_sound(history: History) -> None:
    """Audit a store after each call of a history."""
    with trigger_core.open(":memory:") as library:
        for call in history:
            library.record([facts.from_json(fact) for fact in call])
            assert [str(each) for each in library.audit()] == []


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_histories_are_sound(history: History) -> None:
    """Whatever is recorded in whatever order, no number differs from what follows from the rows."""
    stays_sound(history)


@pytest.mark.deep
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_histories_are_sound_deep(history: History) -> None:
    """No number differs from what follows from the rows, for many more histories."""
    stays_sound(history)
