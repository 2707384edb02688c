"""The journal: what is recorded from a file, what is refused, and what is exported."""

import io
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from trigger_core import Library, facts, journal
from trigger_core.errors import NotFound, StoreUnavailable
from trigger_core.testing.contract.stores import fresh
from trigger_core.testing.contract.strategies import (
    Contradiction,
    History,
    contradictions,
    facts_of,
    histories,
)
from trigger_core.testing.contract.test_histories import answers_of

TRIGGER = "019ab000-0000-7000-8000-000000000001"
EXECUTION = "019ab000-0000-7000-8000-000000000002"
OTHER = "019ab000-0000-7000-8000-000000000003"
AT = "2025-11-23T10:00:00.000Z"

A_TRIGGER = {
    "kind": "trigger",
    "account": "acme",
    "trigger_id": TRIGGER,
    "flow_type": "direct_channel",
    "trigger_type": "sms",
    "trigger_source": "direct_api",
    "campaign_name": "SMS Send - otp_us",
    "currency": "USD",
    "created_at": AT,
    "scheduled_at": None,
}
AN_EXECUTION = {
    "kind": "execution",
    "account": "acme",
    "trigger_id": TRIGGER,
    "execution_id": EXECUTION,
    "channel": "sms",
}
A_JOB = {
    "kind": "job",
    "execution_id": EXECUTION,
    "job_id": 1,
    "contact": "user_1",
    "address": "+14155550001",
}
SENT = {"kind": "outcome", "execution_id": EXECUTION, "job_id": 1, "outcome": "sent", "at": AT}

few = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


def text(*lines: Any) -> bytes:
    """A journal of facts, of texts and of bytes."""
    return b"".join(
        (line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode())
        + b"\n"
        for line in lines
    )


def recorded(*lines: Any) -> Library:
    library = fresh()
    journal.record(library, io.BytesIO(text(*lines)))
    return library


def exported(library: Library, history: History) -> list[bytes]:
    """The journal of every trigger of a history."""
    triggers = [fact for fact in facts_of(history) if fact["kind"] == "trigger"]
    heads = dict.fromkeys((fact["account"], fact["trigger_id"]) for fact in triggers)
    return [journal.line(fact) for head in heads for fact in library.export(*head)]


def refused(*lines: Any, library: Library | None = None) -> list[tuple[int, str]]:
    """The lines and fields for which a journal is refused."""
    with library or fresh() as library, pytest.raises(journal.JournalRefused) as error:
        journal.record(library, io.BytesIO(text(*lines)))
    assert error.value.count == len(error.value.errors)
    return [(one.row, one.field) for one in error.value.errors]


@given(history=histories(), data=st.data())
@few
def test_export_gives_the_same_state(history: History, data: DataObject) -> None:
    """A store made from the exports answers the same, knows the same message ids, and exports the same again."""
    with fresh() as library, fresh() as copy:
        for call in history:
            library.record([facts.from_json(fact) for fact in call])
        lines = exported(library, history)
        journal.record(copy, io.BytesIO(b"".join(data.draw(st.permutations(lines)))))
        assert answers_of(copy, history) == answers_of(library, history)
        assert exported(copy, history) == lines
        assert messages(copy) == messages(library)
        assert list(copy.audit()) == []


def messages(library: Library) -> list[Any]:
    """Every message id, and the job it leads to."""
    return sorted(library.store.table("select * from message_ids", {})[1], key=str)


@given(history=histories(), data=st.data())
@few
def test_order_and_repetition_change_nothing(history: History, data: DataObject) -> None:
    """A journal in any order, given twice, leads to what the same facts in calls lead to."""
    lines = data.draw(st.permutations(facts_of(history)))
    with fresh() as library, fresh() as other:
        for call in history:
            library.record([facts.from_json(fact) for fact in call])
        for _ in range(2):
            summary = journal.record(other, io.BytesIO(text(*lines)))
            assert sum(summary.recorded.values()) == summary.lines == len(lines)
        assert answers_of(other, history) == answers_of(library, history)


@given(contradiction=contradictions())
@few
def test_contradictions_are_refused(contradiction: Contradiction) -> None:
    """A line that contradicts the lines before it, or the store, is named with its field; nothing is recorded."""
    history, fact, field = contradiction
    lines = facts_of(history)
    assert refused(*lines, fact) == [(len(lines) + 1, field)]
    with recorded(*lines) as library:
        before = answers_of(library, history)
        with pytest.raises(journal.JournalRefused) as error:
            journal.record(library, io.BytesIO(text(fact)))
        assert [(one.row, one.field) for one in error.value.errors] == [(1, field)]
        assert answers_of(library, history) == before


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", "line"),
        ("[]", "kind"),
        ("null", "kind"),
        ("{} {}", "line"),
        ('{"kind": "cancel"}', "at"),
        ('{"kind": "cancel", "kind": "cancel"}', "kind"),
        (json.dumps(A_TRIGGER | {"campaign_name": "a\0b"}), "campaign_name"),
        (json.dumps(A_TRIGGER | {"campaign_name": "\ud800"}), "campaign_name"),
        (json.dumps(A_TRIGGER | {"more": 1}), "more"),
        (json.dumps(A_JOB | {"job_id": float("nan")}), "line"),
        (json.dumps(A_JOB | {"job_id": float("inf")}), "line"),
        (json.dumps(A_JOB | {"job_id": 1.0}), "job_id"),
        (json.dumps(A_JOB).replace("1,", "1" * 5000 + ","), "line"),
        (json.dumps(A_JOB).replace("1,", "1e99999999999999999999,"), "line"),
        (json.dumps(SENT | {"cost": 0.0000001}), "cost"),
        ("[" * 100_000, "line"),
        (b'{"kind": "\xff"}', "line"),
        ('{"kind": "a\0"}', "line"),
        ("x" * (1 << 21), "line"),
    ],
)
def test_malformed_lines_are_named(line: str | bytes, field: str) -> None:
    """Whatever is wrong with a line, it is refused by its number and field, and the others are not."""
    assert refused(A_TRIGGER, line, AN_EXECUTION) == [(2, field)]


def test_blank_lines_are_counted_but_nothing_else() -> None:
    """Blank lines, carriage returns, a byte order mark and a missing last newline are no errors."""
    data = b"\xef\xbb\xbf" + text(A_TRIGGER).replace(b"\n", b"\r\n") + b"\n \r\n" + text(AN_EXECUTION)[:-1]
    with fresh() as library:
        assert journal.record(library, io.BytesIO(data)).lines == 2
    assert refused(A_TRIGGER, "", "{") == [(3, "line")]


def test_amounts_are_exact() -> None:
    """A cost that is a JSON number is taken digit by digit."""
    line = json.dumps(SENT | {"cost": 0}).replace('"cost": 0', '"cost": 123456789.123456')
    with recorded(A_TRIGGER, AN_EXECUTION, A_JOB, line) as library:
        assert str(library.direct("acme", TRIGGER).execution.estimated_cost) == "123456789.123456"  # type: ignore[union-attr]


def test_sources(tmp_path: Path) -> None:
    """A path, a binary stream and a text stream are read alike."""
    path = tmp_path / "journal.ndjson"
    path.write_bytes(text(A_TRIGGER, AN_EXECUTION, A_JOB, SENT))
    with path.open("rb") as binary, path.open(encoding="utf-8") as written:
        for source in (path, str(path), binary, written):
            with fresh() as library:
                assert journal.record(library, source).recorded["outcome"] == 1


def test_invalid_lines_are_skipped_with_what_depends_on_them() -> None:
    """With skip_invalid the rest is recorded, without facts about what an invalid line should have brought."""
    second = {**AN_EXECUTION, "execution_id": OTHER}
    lines = [
        A_TRIGGER | {"trigger_id": OTHER, "currency": "EUR"},
        AN_EXECUTION | {"trigger_id": OTHER},
        A_TRIGGER,
        second,
        A_JOB | {"execution_id": OTHER},
        SENT | {"execution_id": OTHER},
        A_JOB | {"job_id": 2, "contact": ""},
        SENT | {"job_id": 2},
        A_JOB | {"execution_id": OTHER, "job_id": 3},
    ]
    with recorded(A_TRIGGER) as library:
        summary = journal.record(library, io.BytesIO(text(*lines)), skip_invalid=True)
        assert [(error.row, error.field) for error in summary.errors] == [
            (7, "contact"),
            (1, "currency"),
            (2, "trigger_id"),
            (8, "execution_id"),
        ]
        assert summary.skipped == 4
        assert library.trigger("acme", TRIGGER).summary.sent == 1
        assert library.jobs("acme", OTHER).pagination.total == 2


def test_execution_under_two_triggers_is_refused() -> None:
    """An execution belongs to the trigger that the first line says."""
    other = A_TRIGGER | {"trigger_id": OTHER}
    assert refused(A_TRIGGER, other, AN_EXECUTION | {"trigger_id": OTHER}, AN_EXECUTION) == [
        (4, "trigger_id")
    ]


def test_a_contradicting_line_takes_no_others_place() -> None:
    """What a refused line says holds no place: those that could not be beside it are recorded, whatever the ids."""
    for number in range(8):
        other, right, wrong = (f"019ab000-0000-7000-8000-00000000{number}0{each}0" for each in "abc")
        unknown = AN_EXECUTION | {"trigger_id": EXECUTION, "execution_id": wrong}
        elsewhere = AN_EXECUTION | {"trigger_id": other}
        lines = [
            A_TRIGGER,
            unknown,  # of no trigger at all
            A_TRIGGER | {"trigger_id": other},
            AN_EXECUTION,
            elsewhere,  # it is the first trigger's
            AN_EXECUTION | {"execution_id": wrong},  # where that one is
            elsewhere | {"execution_id": right},
            A_JOB | {"execution_id": right},
            A_JOB,
            A_JOB | {"execution_id": wrong},
        ]
        with fresh() as library:
            summary = journal.record(library, io.BytesIO(text(*lines)), skip_invalid=True)
            assert [error.row for error in summary.errors] == [2, 5, 6, 10]
            assert library.jobs("acme", right).pagination.total == 1


def test_a_refused_trigger_says_no_currency() -> None:
    """An account pays in what the first of its triggers says that isn't refused, and its line may come again."""
    euros = A_TRIGGER | {"currency": "EUR"}
    another = A_TRIGGER | {"trigger_id": OTHER}
    lines = [another | {"account": "globex"}, another | {"currency": "EUR"}, A_TRIGGER, euros]
    assert refused(*lines) == [(2, "trigger_id"), (4, "currency")]
    with recorded(another | {"account": "globex"}) as library:
        summary = journal.record(library, io.BytesIO(text(*lines[1:])), skip_invalid=True)
        assert sorted(error.row for error in summary.errors) == [1, 3]
        assert library.trigger("acme", TRIGGER).id == TRIGGER
    with recorded(another) as library:
        assert refused(euros, A_TRIGGER, library=library) == [(1, "currency")]


def test_first_errors_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bad line is counted and described, unless they are so many that memory might not hold it."""
    bad = text(*["{"] * 1500)
    with fresh() as library, pytest.raises(journal.JournalRefused) as error:
        journal.record(library, io.BytesIO(bad))
    assert [one.row for one in error.value.errors] == list(range(1, 1501))
    monkeypatch.setattr("trigger_core._journal_check._KEPT", 1000)
    with fresh() as library, pytest.raises(journal.JournalRefused) as error:
        journal.record(library, io.BytesIO(bad))
    assert (error.value.count, len(error.value.errors)) == (1500, 1000)
    assert "1500 lines are invalid: line 1: line: must be" in str(error.value)


def test_facts_of_one_trigger_in_two_journals() -> None:
    """A second journal may be about what the first one brought."""
    with recorded(A_TRIGGER, AN_EXECUTION) as library:
        journal.record(library, io.BytesIO(text(A_JOB)))
        journal.record(library, io.BytesIO(text(SENT)))
        assert library.trigger("acme", TRIGGER).status == "completed"


def test_events_may_come_before_their_jobs() -> None:
    """An event of an unknown job is kept and applied when the job appears."""
    event = {
        "kind": "event",
        "event_id": "e",
        "type": "delivered",
        "at": AT,
        "execution_id": EXECUTION,
        "job_id": 1,
    }
    with recorded(event) as library:
        journal.record(library, io.BytesIO(text(A_TRIGGER, AN_EXECUTION, A_JOB)))
        assert library.direct("acme", TRIGGER).analytics.delivered == 1  # type: ignore[union-attr]


class Breaking:
    """Fails the n-th call that it sees to a library's record."""

    def __init__(self, library: Library, number: int) -> None:
        self._record = library.record
        self._number = number

    def __call__(self, batch: Any, **named: Any) -> None:
        self._number -= 1
        if not self._number:
            raise StoreUnavailable
        self._record(batch, **named)


@pytest.mark.parametrize("number", [1, 3, 6])
def test_given_again_after_a_crash(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal whose recording broke off is recorded whole when it is given again."""
    jobs = [A_JOB | {"job_id": number, "contact": f"user_{number}"} for number in range(1, 30)]
    lines = text(A_TRIGGER, AN_EXECUTION, *jobs, *(SENT | {"job_id": job["job_id"]} for job in jobs))
    monkeypatch.setattr(journal, "_BATCH", 10)
    with fresh() as library:
        with monkeypatch.context() as patch:
            patch.setattr(Library, "record", Breaking(library, number))
            with pytest.raises(StoreUnavailable):
                journal.record(library, io.BytesIO(lines))
        journal.record(library, io.BytesIO(lines))
        assert library.trigger("acme", TRIGGER).summary.sent == 29
        assert list(library.audit()) == []


def test_store_that_changes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that somebody else's facts contradict after it was checked is named, and what was recorded counted."""
    monkeypatch.setattr(journal, "_BATCH", 2)
    with fresh() as library:

        def interfere(what: str, done: int, _total: int | None) -> None:
            if what == "recording" and done == 2:
                library.record([facts.from_json(A_JOB | {"contact": "somebody"})])

        with pytest.raises(journal.JournalRefused, match="2 facts were recorded") as error:
            journal.record(library, io.BytesIO(text(A_TRIGGER, AN_EXECUTION, A_JOB)), progress=interfere)
    assert [(one.row, one.field) for one in error.value.errors] == [(3, "contact")]


def test_export_of_nothing() -> None:
    """An unknown trigger, and another account's, are not found before anything is read."""
    with recorded(A_TRIGGER) as library:
        for account, trigger_id in (("acme", OTHER), ("globex", TRIGGER), ("acme", "none")):
            with pytest.raises(NotFound):
                library.export(account, trigger_id)


def test_export_leaves_its_thread_free() -> None:
    """While an export is read, its thread can ask and record; the export shows the state at its beginning."""
    with recorded(A_TRIGGER, AN_EXECUTION, A_JOB) as library:
        lines = library.export("acme", TRIGGER)
        found = [next(lines)]
        library.record([facts.from_json(SENT)])
        assert library.trigger("acme", TRIGGER).status == "completed"
        found += lines
        assert [fact.kind for fact in found] == ["trigger", "execution", "job"]


LONGEST = "\U0010ffff" * 200


CODES = ("code", 'b"\\', "x" * 200, LONGEST)


@pytest.mark.parametrize("outcome", ["sent", "failed", "filtered", "cancelled"])
def test_export_of_ties(outcome: str) -> None:
    """Message ids of outcomes of one kind and time, of which one is shown, survive an export whichever it is."""
    told = []
    for job_id, (code, cost) in enumerate(product(CODES, ({}, {"cost": "0.5"})), 1):
        said: dict[str, Any] = {"job_id": job_id} | cost
        if outcome == "failed":
            said |= {"error": {"code": code, "message": LONGEST * 5}}
        if outcome == "filtered":
            said |= {"code": code, "reason": LONGEST}
        told.append(SENT | said | {"outcome": outcome})
    jobs = [A_JOB | {"job_id": fact["job_id"], "contact": f"user_{fact['job_id']}"} for fact in told]
    for names in ("ab", "ba"):
        ids = [
            fact | {"provider": name, "provider_message_id": f"{name}{fact['job_id']}"}
            for fact in told
            for name in names
        ]
        with recorded(A_TRIGGER, AN_EXECUTION, *jobs, *ids) as library:
            lines = [journal.line(one) for one in library.export("acme", TRIGGER)]
            with recorded(*(line.strip() for line in lines)) as copy:
                assert copy.jobs("acme", EXECUTION) == library.jobs("acme", EXECUTION)
                assert messages(copy) == messages(library)
                assert len(messages(copy)) == len(ids)
                assert [journal.line(one) for one in copy.export("acme", TRIGGER)] == lines
