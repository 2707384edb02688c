"""Compaction folds what grows with every write and changes no answer."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from trigger_core import Library, answers, facts
from trigger_core._compact import compact
from trigger_core.testing.contract.stores import fresh
from trigger_core.testing.contract.strategies import Fact, History, facts_of, histories

EXECUTION = "019ab000-0001-7000-8000-000000000101"
TRIGGER = "019ab000-0001-7000-8000-000000000001"
PLACE = {"account": "acme", "trigger_id": TRIGGER, "execution_id": EXECUTION, "channel": "sms"}
AT = "2025-11-23T10:00:00.000Z"

KEYS = "select trigger_id, execution_id, measure, detail from tally"


def rows(library: Library, text: str) -> list[Any]:
    return library.store.table(text, {})[1]


def said(library: Library, accounts: Mapping[str, str]) -> dict[str, Any]:
    """All that the library answers about some triggers, and each one's version."""
    found: dict[str, Any] = {}
    for key, account in accounts.items():
        trigger = library.trigger(account, key)
        read = library.direct if trigger.flow_type == "direct_channel" else library.workflow
        version = library.query("version", {"account": account, "trigger_id": key})
        found[key] = (version, answers.to_json(trigger), answers.to_json(read(account, key)))
    for name in ("trigger_status", "execution_counts", "step_status", "filter_reasons", "job_states"):
        found[name] = sorted(map(str, rows(library, f"select * from {name}")))  # noqa: S608
    return found


def keeps_answers(history: History) -> None:
    """Compact a store that holds a history, twice."""
    accounts = {
        fact["trigger_id"]: fact["account"] for fact in facts_of(history) if fact["kind"] == "trigger"
    }
    with fresh() as library:
        for call in history:
            library.record([facts.from_json(fact) for fact in call])
        before = said(library, accounts)
        for _ in range(2):
            library.compact()
            assert said(library, accounts) == before
            assert [str(each) for each in library.audit()] == []
            folded = rows(library, KEYS)
            assert len(set(folded)) == len(folded)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_answers_stay(history: History) -> None:
    """Compaction keeps every answer and version, and leaves one ledger row per key, sorted."""
    keeps_answers(history)


@pytest.mark.deep
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_answers_stay_deep(history: History) -> None:
    """Compaction keeps every answer and version, for many more histories."""
    keeps_answers(history)


def sms(*more: Fact) -> list[facts.Fact]:
    """A direct SMS, its execution, and more facts."""
    return [
        facts.from_json(fact)
        for fact in (
            {
                "kind": "trigger",
                "account": "acme",
                "trigger_id": TRIGGER,
                "flow_type": "direct_channel",
                "trigger_type": "sms",
                "trigger_source": "direct_api",
                "campaign_name": "SMS Send - otp_us",
                "currency": "USD",
                "created_at": AT,
            },
            {"kind": "execution", **PLACE},
            *more,
        )
    ]


def crowd(numbers: Sequence[int], reason: str = "opted out") -> list[Fact]:
    """Jobs of these numbers, all filtered for one reason."""
    filtered = {"outcome": "filtered", "at": AT, "code": "opted_out", "reason": reason}
    jobs = [{"execution_id": EXECUTION, "job_id": number} for number in numbers]
    return [{"kind": "job", "contact": "user", **job} for job in jobs] + [
        {"kind": "outcome", **job, **filtered} for job in jobs
    ]


def test_samples_are_trimmed() -> None:
    """Of samples that grew beyond the hundred lowest, compaction leaves just those."""
    with fresh() as library:
        for numbers in (range(151, 251), range(1, 121)):
            library.record(sms(*crowd(numbers)))
        assert len(rows(library, "select * from samples")) > 100
        library.compact()
        assert rows(library, "select job_id from samples") == [(number,) for number in range(1, 101)]
        assert list(library.audit()) == []


def test_a_long_ledger_is_folded_by_who_reads_it() -> None:
    """Who finds a ledger long folds it; while others hold it, he answers at once and leaves it to the next."""
    with fresh() as library:
        library.record(sms())
        with library.store.write() as session:
            session.append(
                "tally", [("acme", TRIGGER, None, "contacts", None, 1, 0, 0, None, None, 1, None)] * 500
            )
        with suppress(ZeroDivisionError), ThreadPoolExecutor() as pool, library.store.write() as session:
            compact(session)
            answer = pool.submit(Library(library.store).trigger, "acme", TRIGGER).result(10)
            assert 1 / 0, "so that nothing of it stays"
        assert len(rows(library, KEYS)) > 500
        for _ in range(2):
            assert Library(library.store).trigger("acme", TRIGGER) == answer
            assert len(rows(library, KEYS)) < 10


def test_a_ledger_that_folding_leaves_long_is_not_folded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger with hundreds of filter reasons, folded once, is read time and again without being folded."""
    with fresh() as library:
        library.record(sms(*(fact for number in range(1, 451) for fact in crowd([number], f"no {number}"))))
        library.compact()
        assert len(rows(library, KEYS)) > 450
        monkeypatch.delattr("trigger_core._compact.fold")
        for expected in (451, 452):
            library.record(sms({"kind": "execution", **PLACE, "expected_jobs": expected}))
            for reader in (library, Library(library.store)):
                jobs = reader.direct("acme", TRIGGER).jobs
                assert jobs is not None
                assert jobs.total == expected


def test_compaction_is_all_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compaction that fails halfway leaves the ledger as it was, and the next one works."""
    with fresh() as library:
        library.record(sms())
        before = rows(library, "select * from tally")
        with monkeypatch.context() as patched:
            halfway = ("compact_tally", "no_such_statement")
            patched.setattr("trigger_core._compact.STATEMENTS", halfway)
            with pytest.raises(KeyError):
                library.compact()
        assert rows(library, "select * from tally") == before
        library.compact()
        assert sorted(map(str, rows(library, "select * from tally"))) == sorted(map(str, before))
