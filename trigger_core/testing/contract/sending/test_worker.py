"""The worker: everything that is due is sent once, and what became of it is the truth."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trigger_core import Library, _dispatch, _plan, answers, facts
from trigger_core.catalog import Contact, Template, TemplateVariant
from trigger_core.errors import FactsRefused, InvalidValue, StoreInDoubt, StoreUnavailable
from trigger_core.facts import Cancel, Event, Outcome
from trigger_core.senders import Accepted, Message, Rejected, Result
from trigger_core.sending import EventCounts, Send, WorkflowRun
from trigger_core.testing.contract.sending.world import ACCOUNT, CHANNELS, Clock, Teller, bury, make
from trigger_core.worker import Patience, Worker

BUSY = Rejected(code="busy", message="Try again", retry=True)
NO = Rejected(code="no", message="No such number")


def send(library: Library, **members: Any) -> str:
    """An SMS to everyone, unless told otherwise; the trigger's id."""
    members = members or {"list_name": "everyone"}
    return library.send(ACCOUNT, Send(channel="sms", template_key="hello", **members)).trigger_id


def execution_id(library: Library, trigger_id: str) -> str:
    """A direct send's execution."""
    execution = library.direct(ACCOUNT, trigger_id).execution
    assert execution is not None
    return execution.id


def counts(library: Library, trigger_id: str) -> dict[str, int]:
    """How many of a direct send's jobs are what, without zeros."""
    jobs = library.direct(ACCOUNT, trigger_id).jobs
    assert jobs is not None
    found = {name: getattr(jobs, name) for name in ("sent", "failed", "filtered", "cancelled", "pending")}
    assert sum(found.values()) == jobs.total
    listed = Counter(job.status for job in library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs)
    shown = {name: count for name, count in found.items() if count}
    assert listed == shown
    return shown


def test_what_is_sent_is_recorded(library: Library) -> None:
    """A sender's ids, segments and costs are the jobs'; where it says none, what was planned is."""

    def answer(message: Message) -> Result:
        if message.contact == "user_1":
            return Accepted(provider_message_id="m1", segments=3, cost=Decimal("0.5"))
        return NO if message.contact == "user_2" else Accepted()

    trigger_id = send(library)
    with Worker(library, {"sms": Teller(answer)}) as worker:
        assert (worker.turn(), worker.turn()) == (5, 0)
    one, two, three, *_ = library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs
    assert (one.status, one.provider_message_id, one.segments, one.cost, one.attempts) == (
        "sent", "m1", 3, Decimal("0.5"), 1
    )  # fmt: skip
    assert (two.status, two.error, two.attempts) == (
        "failed", answers.JobError(code="no", message="No such number"), 1
    )  # fmt: skip
    assert (three.provider, three.provider_message_id, three.segments, three.cost) == (
        "teller", None, 1, Decimal("0.01")
    )  # fmt: skip
    event = {"event_id": "e", "type": "delivered", "occurred_at": "2025-11-23T13:00:00Z"}
    found = library.record_events(ACCOUNT, [{**event, "provider": "teller", "provider_message_id": "m1"}])
    assert found.accepted == 1
    assert counts(library, trigger_id) == {"sent": 4, "failed": 1}


def test_batches_are_no_larger_than_a_sender_takes(library: Library) -> None:
    """A send to more than a sender takes at once goes out in several batches, each job in one of them."""
    sizes: list[int] = []
    sender = Teller(most=2, before=lambda messages: sizes.append(len(messages)))
    send(library)
    with Worker(library, {"sms": sender}) as worker:
        while worker.turn():
            pass
    assert sizes == [2, 2, 1]
    assert [message.contact for message in sender.handed] == [f"user_{number}" for number in range(1, 6)]


def test_a_message_to_one_does_not_wait_behind_many(library: Library) -> None:
    """Executions that fit in a batch go before larger ones that were there first."""
    sender = Teller(most=2)
    send(library)
    send(library, contact_external_id="user_1")
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
    assert sender.handed[0].contact == "user_1"


def test_a_passing_failure_is_tried_again(library: Library, clock: Clock) -> None:
    """Attempts come after pauses that double, half of them more or less by chance, and end with the last one."""
    trigger_id = send(library, contact_external_id="user_1")
    sender = Teller(lambda _: BUSY)
    pauses = []
    with Worker(
        library, {"sms": sender}, patience=Patience(attempts=4, pause=timedelta(seconds=100))
    ) as worker:
        for attempt in range(1, 4):
            assert (worker.turn(), worker.turn()) == (1, 0)
            job = library.job(ACCOUNT, execution_id(library, trigger_id), 1)
            assert (job.status, job.attempts, job.error) == ("pending", attempt, None)
            assert job.next_attempt_at is not None
            pauses.append((job.next_attempt_at - clock.now).total_seconds())
            clock.now = job.next_attempt_at - timedelta(milliseconds=1)
            assert worker.turn() == 0
            clock.now = job.next_attempt_at
        assert library.trigger(ACCOUNT, trigger_id).status == "processing"
        assert worker.turn() == 1
    assert all(100 * 2**n * 0.5 <= pause <= 100 * 2**n * 1.5 for n, pause in enumerate(pauses))
    job = library.job(ACCOUNT, execution_id(library, trigger_id), 1)
    assert (job.status, job.attempts, job.error and job.error.code) == ("failed", 4, "busy")
    assert [message.token.rsplit(":", 1)[1] for message in sender.handed] == ["1", "2", "3", "4"]


def test_nothing_is_tried_after_the_dead_line(library: Library, clock: Clock) -> None:
    """Where the next attempt would come too late, the job fails at once."""
    trigger_id = send(library, contact_external_id="user_1")
    patience = Patience(attempts=100, pause=timedelta(minutes=1), limit=timedelta(minutes=10))
    with Worker(library, {"sms": Teller(lambda _: BUSY)}, patience=patience) as worker:
        while worker.turn():
            clock.forward(minutes=4)
    assert counts(library, trigger_id) == {"failed": 1}
    failed_at = library.job(ACCOUNT, execution_id(library, trigger_id), 1).failed_at
    created_at = library.trigger(ACCOUNT, trigger_id).created_at
    assert failed_at is not None
    assert failed_at - created_at <= timedelta(minutes=14)


def test_a_retry_that_was_held_up_for_too_long_is_not_made(library: Library, clock: Clock) -> None:
    """Where nobody was there to make it in time, the job ends as its last attempt did, unless it has ended already.

    Others are still tried.
    """
    first = send(library, contact_external_id="user_1")
    ended = send(library, contact_external_id="user_1")
    patience = Patience(limit=timedelta(minutes=10))
    sender = Teller(lambda message: BUSY if message.contact == "user_1" else Accepted())
    with Worker(library, {"sms": sender}, patience=patience) as worker:
        worker.turn()
        ended_as = Outcome(
            execution_id=execution_id(library, ended),
            job_id=1,
            outcome="filtered",
            at=clock.now,
            code="left",
            reason="Left",
        )
        library.record([ended_as])
        clock.forward(days=3)
        second = send(library, contact_external_id="user_2")
        worker.turn()
    assert [message.contact for message in sender.handed] == ["user_1", "user_1", "user_2"]
    assert counts(library, ended) == {"filtered": 1}
    job = library.job(ACCOUNT, execution_id(library, first), 1)
    assert (job.status, job.attempts, job.error) == (
        "failed",
        1,
        answers.JobError(code="busy", message="Try again"),
    )
    assert (counts(library, first), counts(library, second)) == ({"failed": 1}, {"sent": 1})


def test_those_who_get_nothing_are_passed_over(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lie between two who are sent to, and however few a sender takes at once."""
    claims: list[_dispatch.Claim | None] = []
    claim = _dispatch.claim

    def counted(*arguments: Any) -> _dispatch.Claim | None:
        claims.append(claim(*arguments))
        return claims[-1]

    monkeypatch.setattr(_dispatch, "claim", counted)
    with make(clock, people=50) as library:
        opt_out(library, *(f"user_{number}" for number in range(2, 50)))
        trigger_id = send(library)
        sender = Teller(most=2)
        with Worker(library, {"sms": sender}) as worker:
            while worker.turn():
                pass
        assert {message.contact for message in sender.handed} == {"user_1", "user_50"}
        assert library.trigger(ACCOUNT, trigger_id).status == "completed"
        assert len(claims) <= 4


def test_values_stay_values_in_a_page(library: Library) -> None:
    """In an e-mail that is HTML, what is filled in is no markup; in any other it stays as it is."""
    name, page = "Tom & <b>Jerry</b>", "<!doctype html><html><p>Dear {{name}}</p>"
    library.catalog.put(
        ACCOUNT, Contact(external_id="tom", email="tom@example.org", attributes={"name": name})
    )
    for key, text in (("page", page), ("plain", "Dear {{name}}")):
        variant = TemplateVariant(approved=True, text=text, subject="{{name}}")
        library.catalog.put(ACCOUNT, Template(key=key, channel="email", currency="USD", variants=(variant,)))
        library.send(ACCOUNT, Send(channel="email", template_key=key, contact_external_id="tom"))
    sender = Teller()
    with Worker(library, {"email": sender}) as worker:
        worker.turn()
    escaped = page.replace("{{name}}", "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;")
    assert {message.text for message in sender.handed} == {escaped, f"Dear {name}"}
    assert {message.subject for message in sender.handed} == {name}


def test_a_first_attempt_is_made_however_late(library: Library, clock: Clock) -> None:
    """What nobody sent for a year is sent then, and tried for as long as anything else if that fails."""
    trigger_id = send(library, contact_external_id="user_1")
    clock.forward(days=365)
    begun = clock.now
    patience = Patience(attempts=100, pause=timedelta(minutes=1), limit=timedelta(days=40_000))
    sender = Teller(lambda _: BUSY if clock.now < begun + timedelta(days=2) else Accepted())
    with Worker(library, {"sms": sender}, patience=patience) as worker:
        while worker.turn():
            clock.forward(hours=8)
    assert counts(library, trigger_id) == {"sent": 1}


def test_scheduled_sends_wait(library: Library, clock: Clock) -> None:
    """Nothing is handed over before its time."""
    sender = Teller()
    trigger_id = send(library, list_name="everyone", scheduled_at=clock.now + timedelta(hours=1))
    with Worker(library, {"sms": sender}) as worker:
        clock.forward(minutes=59)
        assert worker.turn() == 0
        assert library.trigger(ACCOUNT, trigger_id).status == "pending"
        clock.forward(minutes=1)
        assert worker.turn() == 5
    assert library.trigger(ACCOUNT, trigger_id).started_at == clock.now


def opt_out(library: Library, *external_ids: str) -> None:
    """Has contacts say that they want no more SMS."""
    for external_id in external_ids:
        library.catalog.put(
            ACCOUNT, evolve(library.catalog.contact(ACCOUNT, external_id), opted_out=("sms",))
        )


def test_an_opt_out_is_heeded_until_a_scheduled_message_is_handed_over(
    library: Library, clock: Clock
) -> None:
    """Who opts out after a send was planned gets nothing, for the reason of those who had before; others get theirs."""
    opt_out(library, "user_1")
    trigger_id = send(library, list_name="everyone", scheduled_at=clock.now + timedelta(hours=1))
    assert counts(library, trigger_id) == {"filtered": 1, "pending": 4}
    opt_out(library, "user_2", "user_4")
    email = library.send(ACCOUNT, Send(channel="email", template_key="hello", list_name="everyone"))
    clock.forward(hours=1)
    sms, mail = Teller(), Teller()
    with Worker(library, {"sms": sms, "email": mail}) as worker:
        while worker.turn():
            pass
    assert [message.contact for message in sms.handed] == ["user_3", "user_5"]
    assert counts(library, trigger_id) == {"sent": 2, "filtered": 3}
    jobs = library.direct(ACCOUNT, trigger_id).jobs
    assert jobs is not None
    assert jobs.filter_reasons == (
        answers.FilterReason(
            reason="Contact opted out of this channel",
            count=3,
            contacts=("+14155550001", "+14155550002", "+14155550004"),
            contacts_truncated=False,
        ),
    )
    found = library.jobs(ACCOUNT, execution_id(library, trigger_id), filter_code="opted_out").jobs
    assert [job.job_id for job in found] == [1, 2, 4]
    assert found[2].filtered_at == clock.now
    assert counts(library, email.trigger_id) == {"sent": 5}


def test_where_everybody_opted_out_the_next_are_sent_to(library: Library, clock: Clock) -> None:
    """A batch of which nothing is left is ended, and what waits behind it goes out in the same turn."""
    gone = send(library, contact_external_id="user_1", scheduled_at=clock.now)
    opt_out(library, "user_1")
    trigger_id = send(library, contact_external_id="user_2")
    sender = Teller(most=1)
    with Worker(library, {"sms": sender}, rates={"sms": 1}) as worker:
        assert (worker.turn(), worker.turn()) == (1, 0)
    assert counts(library, gone) == {"filtered": 1}
    assert counts(library, trigger_id) == {"sent": 1}


def test_who_opts_out_between_attempts_gets_no_more(library: Library, clock: Clock) -> None:
    """A message that was rejected for now isn't tried again for somebody who wants none."""
    trigger_id = send(library, contact_external_id="user_1", scheduled_at=clock.now)
    sender = Teller(lambda _: BUSY)
    with Worker(library, {"sms": sender}) as worker:
        assert worker.turn() == 1
        opt_out(library, "user_1")
        clock.forward(hours=1)
        assert worker.turn() == 0
    assert len(sender.handed) == 1
    assert counts(library, trigger_id) == {"filtered": 1}
    assert library.trigger(ACCOUNT, trigger_id).status == "completed"


def test_an_opt_out_does_not_change_what_may_be_out_already(library: Library, clock: Clock) -> None:
    """What a sender failed amid is handed over again with its token, so that it is known what became of it."""
    broken = [True]

    def fail(messages: Sequence[Message]) -> None:
        if broken.pop() if broken else False:
            raise ConnectionError

    trigger_id = send(library, contact_external_id="user_1", scheduled_at=clock.now)
    with Worker(library, {"sms": Teller(idempotent=True, before=fail)}) as worker:
        assert worker.turn() == 1
        opt_out(library, "user_1")
        clock.forward(minutes=5)
        assert worker.turn() == 1
    assert counts(library, trigger_id) == {"sent": 1}


def test_a_step_that_can_not_be_planned_holds_up_nobody(
    library: Library, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with a step, those due with it are planned; it is tried again later, and said in the log."""
    runs = [
        library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone")).trigger_id
        for _ in range(3)
    ]
    plan, wrong = _plan._plan_row, [runs[1]]

    def fail(planned: _plan.Planned, now: datetime) -> Any:
        if planned.execution.trigger_id in wrong:
            raise ZeroDivisionError("secret")
        return plan(planned, now)

    monkeypatch.setattr(_plan, "_plan_row", fail)
    with (
        caplog.at_level(logging.ERROR),
        Worker(library, {channel: Teller() for channel in CHANNELS}) as worker,
    ):

        def sent(hours: float) -> list[int]:
            clock.forward(hours=hours)
            while worker.turn():
                pass
            return [library.trigger(ACCOUNT, one).summary.sent for one in runs]

        assert sent(24) == [10, 5, 10]
        wrong.clear()
        assert sent(0.05) == [10, 5, 10]
        assert sent(0.05) == [10, 10, 10]
    assert "ZeroDivisionError" in caplog.text
    assert runs[1] in caplog.text
    assert "secret" not in caplog.text


def test_a_series_runs_for_days(library: Library, clock: Clock) -> None:
    """Three steps over four days: at each moment the document says what was sent, what is next, and when."""
    senders = {channel: Teller() for channel in CHANNELS}
    with Worker(library, senders) as worker:
        receipt = library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone"))

        def state() -> tuple[str, list[str], list[Any], int]:
            while worker.turn():
                pass
            found = library.workflow(ACCOUNT, receipt.trigger_id)
            due = [step.scheduled_for and (step.scheduled_for - clock.now).days for step in found.steps]
            whole = library.trigger(ACCOUNT, receipt.trigger_id)
            return whole.status, [step.status for step in found.steps], due, whole.summary.sent

        began = clock.now
        assert library.trigger(ACCOUNT, receipt.trigger_id).status == "pending"
        assert state() == ("processing", ["completed", "scheduled", "pending"], [None, 1, None], 5)
        clock.forward(hours=23, minutes=59)
        assert state()[1] == ["completed", "scheduled", "pending"]
        clock.forward(minutes=1)
        assert state() == ("processing", ["completed", "completed", "scheduled"], [None, None, 3], 10)
        clock.forward(days=3)
        assert state() == ("completed", ["completed"] * 3, [None] * 3, 15)
        whole = library.trigger(ACCOUNT, receipt.trigger_id)
        assert (whole.started_at, whole.completed_at) == (began, began + timedelta(days=4))
        totals = library.workflow(ACCOUNT, receipt.trigger_id).totals
        assert (totals.total_contacts, totals.total_sent, totals.total_cost) == (5, 15, Decimal("0.15"))
        assert library.store.table("select count(*) from audiences", {})[1] == [(0,)]


def test_a_series_cancelled_between_steps(library: Library, clock: Clock) -> None:
    """What was sent stays sent; steps to come are cancelled and never sent, however much time goes by."""
    senders = {channel: Teller() for channel in CHANNELS}
    with Worker(library, senders) as worker:
        receipt = library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone"))
        worker.turn()
        clock.forward(hours=5)
        answer = library.cancel(ACCOUNT, receipt.trigger_id)
        assert (answer.status, answer.completed_at, answer.summary.sent) == ("cancelled", clock.now, 5)
        for _ in range(5):
            clock.forward(days=1)
            assert worker.turn() == 0
        assert library.cancel(ACCOUNT, receipt.trigger_id) == answer
    found = library.workflow(ACCOUNT, receipt.trigger_id)
    assert [step.status for step in found.steps] == ["completed", "cancelled", "cancelled"]
    assert not senders["sms"].handed


def test_a_cancel_leaves_what_is_in_hand(library: Library, clock: Clock) -> None:
    """Amid a send, what no sender has is cancelled at once; what one has is pending until its own outcome."""
    trigger_id = send(library)
    seen: list[dict[str, int]] = []

    def cancel(_: Sequence[Message]) -> None:
        clock.forward(seconds=1)
        answer = library.cancel(ACCOUNT, trigger_id)
        assert answer.status == "processing"
        seen.append(counts(library, trigger_id))
        assert library.cancel(ACCOUNT, trigger_id) == answer
        assert list(library.audit()) == []
        view = library.store.table("select status, pending, cancelled from trigger_status", {})[1]
        assert view == [("processing", 2, 3)]
        states = library.store.table(
            "select status, count(*) from job_states group by status order by status", {}
        )[1]
        assert states == [("cancelled", 3), ("pending", 2)]
        found = library.jobs(ACCOUNT, execution_id(library, trigger_id), status="pending")
        assert (found.pagination.total, [job.job_id for job in found.jobs]) == (2, [1, 2])

    sender = Teller(lambda message: NO if message.contact == "user_1" else BUSY, most=2, before=cancel)
    with Worker(library, {"sms": sender}) as worker:
        assert (worker.turn(), worker.turn()) == (2, 0)
    assert seen == [{"cancelled": 3, "pending": 2}]
    assert counts(library, trigger_id) == {"failed": 1, "cancelled": 4}
    assert library.trigger(ACCOUNT, trigger_id).status == "cancelled"
    assert library.trigger(ACCOUNT, trigger_id).completed_at == clock.now


def test_a_cancel_when_all_is_in_hand_ends_nothing(library: Library, clock: Clock) -> None:
    """Where a sender has everything in hand, a cancel comes too late, and the send completes."""
    trigger_id = send(library)

    def cancel(_: Sequence[Message]) -> None:
        clock.forward(seconds=1)
        assert library.cancel(ACCOUNT, trigger_id).status == "processing"

    with Worker(library, {"sms": Teller(before=cancel)}) as worker:
        worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}
    assert library.trigger(ACCOUNT, trigger_id).status == "completed"


def test_a_scheduled_send_is_cancelled(library: Library, clock: Clock) -> None:
    """Cancelled before its time, a send is never sent; a finished one is not changed by a cancel."""
    trigger_id = send(library, list_name="everyone", scheduled_at=clock.now + timedelta(hours=1))
    assert library.cancel(ACCOUNT, trigger_id).status == "cancelled"
    done = send(library, contact_external_id="user_1")
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        clock.forward(hours=2)
        assert worker.turn() == 1
    assert counts(library, trigger_id) == {"cancelled": 5}
    before = library.trigger(ACCOUNT, done)
    assert library.cancel(ACCOUNT, done) == before


def test_only_what_was_planned_here_is_sent(library: Library) -> None:
    """What a host recorded is tracked, and never sent."""
    trigger_id = send(library, contact_external_id="user_1")
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
        execution = execution_id(library, trigger_id)
        library.record(
            [facts.Job(execution_id=execution, job_id=2, contact="user_2", address="+14155550002")]
        )
        assert worker.turn() == 0
    assert counts(library, trigger_id) == {"sent": 1, "pending": 1}


def test_a_host_may_record_what_the_library_planned(library: Library, clock: Clock) -> None:
    """A job that somebody else recorded an outcome for isn't sent again; one amid a send keeps the better outcome."""
    trigger_id = send(library)
    execution = execution_id(library, trigger_id)

    def outcome(job_id: int, kind: str) -> Outcome:
        return Outcome(
            execution_id=execution,
            job_id=job_id,
            outcome=kind,
            at=clock.now,
            **({"code": "x", "reason": "X"} if kind == "filtered" else {}),  # type: ignore[arg-type]
        )

    library.record([outcome(1, "sent"), outcome(2, "filtered")])
    sender = Teller(before=lambda _: library.record([outcome(3, "filtered"), outcome(4, "sent")]))
    with Worker(library, {"sms": sender}) as worker:
        assert (worker.turn(), worker.turn()) == (3, 0)
    assert [message.contact for message in sender.handed] == ["user_3", "user_4", "user_5"]
    assert counts(library, trigger_id) == {"sent": 4, "filtered": 1}


def test_a_sender_that_fails_leaves_messages_in_doubt(library: Library) -> None:
    """An exception says nothing of a batch: without idempotency its messages fail, and are never handed over again."""

    def fail(_: Sequence[Message]) -> None:
        raise ConnectionError("user_1 and a password")

    trigger_id = send(library)
    sender = Teller(before=fail)
    with Worker(library, {"sms": sender}) as worker:
        assert (worker.turn(), worker.turn()) == (5, 0)
    found = library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs
    assert {job.error and job.error.code for job in found} == {"in_doubt"}
    assert counts(library, trigger_id) == {"failed": 5}


def test_an_idempotent_sender_is_handed_the_same_again(
    library: Library, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """After an exception an idempotent sender gets the same tokens later; nothing secret is logged."""
    broken = [True]

    def fail(messages: Sequence[Message]) -> None:
        sender.handed += messages
        if broken.pop() if broken else False:
            raise ConnectionError("user_1 and a password")

    trigger_id = send(library)
    sender = Teller(idempotent=True, before=fail)
    with caplog.at_level(logging.DEBUG), Worker(library, {"sms": sender}) as worker:
        assert (worker.turn(), worker.turn()) == (5, 0)
        assert counts(library, trigger_id) == {"pending": 5}
        clock.forward(seconds=46)
        assert worker.turn() == 5
    assert len(sender.times) == 5
    assert counts(library, trigger_id) == {"sent": 5}
    assert library.job(ACCOUNT, execution_id(library, trigger_id), 1).attempts == 1
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text


def test_failures_count_whoever_hands_over(library: Library, clock: Clock) -> None:
    """Messages whose sender fails each time are handed over as often as patience allows, whoever works."""
    calls: list[str] = []

    def fail(messages: Sequence[Message]) -> None:
        calls.append(messages[0].token)
        raise ConnectionError

    trigger_id = send(library)
    for _ in range(5):
        with Worker(
            library, {"sms": Teller(idempotent=True, before=fail)}, patience=Patience(attempts=3)
        ) as worker:
            worker.turn()
            clock.forward(hours=1)
    assert len(calls) == 3
    assert len(set(calls)) == 1
    assert counts(library, trigger_id) == {"failed": 5}


def test_the_death_of_a_worker_is_no_failure(library: Library, clock: Clock) -> None:
    """However many workers died with messages in hand, the next sender that fails has all its tries."""

    class Killed(BaseException):
        pass

    def die(_: Sequence[Message]) -> None:
        raise Killed

    trigger_id = send(library)
    for _ in range(6):
        worker = Worker(library, {"sms": Teller(idempotent=True, before=die)})
        with pytest.raises(Killed):
            worker.turn()
        bury(library, worker, clock)
    broken = [ConnectionError()]

    def fail(_: Sequence[Message]) -> None:
        while broken:
            raise broken.pop()

    with Worker(library, {"sms": Teller(idempotent=True, before=fail)}) as worker:
        worker.turn()
        clock.forward(minutes=1)
        worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}


def test_too_few_results_are_an_error(library: Library) -> None:
    """A sender that loses results is not believed."""

    class Loser(Teller):
        def send(self, messages: Sequence[Message]) -> list[Result]:
            return super().send(messages)[1:]

    trigger_id = send(library)
    with Worker(library, {"sms": Loser()}) as worker:
        worker.turn()
    assert counts(library, trigger_id) == {"failed": 5}


@pytest.mark.parametrize("idempotent", [False, True])
def test_what_a_dead_worker_had_in_hand(library: Library, clock: Clock, idempotent: bool) -> None:
    """It is taken over by another: sent with the same tokens where that is safe, else failed as in doubt."""

    class Killed(BaseException):
        pass

    def die(messages: Sequence[Message]) -> None:
        first.handed += messages
        raise Killed

    trigger_id = send(library)
    first, second = Teller(most=3, before=die, idempotent=idempotent), Teller(idempotent=idempotent)
    dead = Worker(library, {"sms": first})
    with pytest.raises(Killed):
        dead.turn()
    other = Worker(library, {"sms": second})
    assert other.turn() == 2  # the dead one still seems alive
    bury(library, dead, clock)
    with other:
        while other.turn():
            pass
    tokens = [message.token for message in first.handed]
    if idempotent:
        assert counts(library, trigger_id) == {"sent": 5}
        assert sorted(tokens) == sorted(message.token for message in second.handed[2:])
    else:
        assert counts(library, trigger_id) == {"failed": 3, "sent": 2}
        assert not {*tokens} & {*second.times}


def test_an_expired_claim_is_taken_over_and_a_late_result_counts(library: Library, clock: Clock) -> None:
    """A worker that was too slow doesn't end another's claim; what it did send is sent."""
    trigger_id = send(library, contact_external_id="user_1")
    other = Teller(lambda _: NO, idempotent=True)

    def sleep(_: Sequence[Message]) -> None:
        clock.forward(minutes=5)
        with Worker(library, {"sms": other}) as helper:
            assert helper.turn() == 1

    slow = Teller(before=sleep, idempotent=True)
    with Worker(library, {"sms": slow}, lease=timedelta(minutes=1)) as worker:
        worker.turn()
    assert slow.times == other.times
    assert counts(library, trigger_id) == {"sent": 1}
    assert library.store.table("select count(*) from claims", {})[1] == [(0,)]


def test_rates_limit_each_channel(library: Library, clock: Clock) -> None:
    """No more go out than the rate allows, a second's worth at once; other channels aren't held up."""
    sms, email = Teller(), Teller()
    send(library)
    library.send(ACCOUNT, Send(channel="email", template_key="hello", list_name="everyone"))
    sent = []
    with Worker(library, {"sms": sms, "email": email}, rates={"sms": 2}) as worker:
        for _ in range(4):
            worker.turn()
            sent.append(len(sms.handed))
            clock.forward(seconds=0.5)
    assert sent == [2, 3, 4, 5]
    assert len(email.handed) == 5
    for wrong in ({"sms": 0}, {"sms": float("inf")}, {"fax": 1}):
        with pytest.raises(InvalidValue):
            Worker(library, {}, rates=wrong)


def test_workers_share_a_rate(library: Library, clock: Clock) -> None:
    """Several workers of a store together send no more than the rate allows; one that comes later finds it used up."""
    send(library)
    senders = [Teller(), Teller(), Teller()]
    with ExitStack() as stack:
        workers: list[Worker] = []
        sent = []
        for sender in senders:
            workers.append(stack.enter_context(Worker(library, {"sms": sender}, rates={"sms": 2})))
            for worker in workers:
                worker.turn()
            sent.append(sum(len(each.handed) for each in senders))
            clock.forward(seconds=0.5)
    assert sent == [2, 3, 4]


def test_a_rate_holds_though_clocks_differ(clock: Clock) -> None:
    """No time counts twice, whichever clock says it; one that was wrong by far holds nobody up for long."""
    rate, sent = _dispatch.Rate(10), 0
    with make(clock) as library:

        def take(now: datetime) -> int:
            with library.store.write() as session:
                taken = rate.available(session, "sms", now)
                session.run("dispatch_rate_take", channel="sms", messages=taken)
            return taken

        for _ in range(100):
            sent += take(clock.now) + take(clock.now - timedelta(seconds=0.7))
            clock.forward(seconds=0.1)
        assert 95 <= sent <= 110
        take(clock.now + timedelta(days=1))
        clock.forward(seconds=1)
        take(clock.now)
        clock.forward(seconds=1)
        assert take(clock.now) == 10


def test_a_rate_is_given_out_in_portions(clock: Clock) -> None:
    """Many messages a second go out in a few batches, and no fewer of them."""
    batches: list[int] = []
    with make(clock, people=70) as library:
        send(library)
        teller = Teller(before=lambda messages: batches.append(len(messages)))
        with Worker(library, {"sms": teller}, rates={"sms": 40}) as worker:
            for _ in range(9):
                worker.turn()
                clock.forward(seconds=0.125)
    assert batches == [40, 10, 10, 10]


@pytest.mark.parametrize("threads", [False, True])
def test_events_that_can_not_be_told_or_recorded(
    library: Library, monkeypatch: pytest.MonkeyPatch, threads: bool
) -> None:
    """Neither a sender that can't tell events now nor a store that can't take them loses any, or ends the work."""
    trigger_id = send(library, contact_external_id="user_1")
    failures: list[Exception] = [StoreUnavailable(), StoreUnavailable(), ConnectionError()]
    record = library.record

    class Bumpy(Teller):
        def events(self) -> list[Event]:
            if len(failures) == 3:
                raise failures.pop()
            if len(self.told) or not self.handed:
                return []
            event = Event(
                event_id="e",
                type="delivered",
                at=library._now(),
                account=ACCOUNT,
                provider="teller",
                provider_message_id=self.handed[0].token,
            )
            self.told = [event]
            return [event]

    def flaky(found: Any) -> None:
        if failures:
            raise failures.pop()
        record(found)

    def delivered() -> int:
        analytics = library.direct(ACCOUNT, trigger_id).analytics
        assert isinstance(analytics, answers.SmsAnalytics)
        return analytics.delivered

    monkeypatch.setattr(library, "record", flaky)
    monkeypatch.setattr("trigger_core.worker._POLL", 0.01)
    with Worker(library, {"sms": Bumpy()}) as worker:
        if threads:
            worker.start()
            deadline = time.monotonic() + 30
            while not delivered():
                assert time.monotonic() < deadline
                time.sleep(0.01)
        else:
            assert worker.turn() == 1
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    worker.turn()
            assert (worker.turn(), worker.turn()) == (1, 0)
    assert delivered() == 1
    assert not failures


def test_a_sender_that_breaks_its_word_does_not_end_a_channel(clock: Clock) -> None:
    """What is no result is an error like any other: the next messages go out."""
    broken = [True]

    def answer(message: Message) -> Any:
        return None if broken and broken.pop() else Accepted(provider_message_id=message.token)

    with make(clock) as library:
        send(library, contact_external_id="user_1")
        with Worker(library, {"sms": Teller(answer)}) as worker:
            worker.start()
            deadline = time.monotonic() + 30
            while broken:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            trigger_id = send(library, contact_external_id="user_2")
            while not library.trigger(ACCOUNT, trigger_id).summary.sent:
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_events_of_senders_are_recorded(library: Library) -> None:
    """What a sender was told since is recorded each turn."""
    trigger_id = send(library, contact_external_id="user_1")
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
        token = sender.handed[0].token
        event = Event(
            event_id="e",
            type="delivered",
            at=library._now(),
            account=ACCOUNT,
            provider="teller",
            provider_message_id=token,
        )
        sender.told = [event]
        assert (worker.turn(), worker.turn()) == (1, 0)
    analytics = library.direct(ACCOUNT, trigger_id).analytics
    assert isinstance(analytics, answers.SmsAnalytics)
    assert analytics.delivered == 1


def test_who_unsubscribes_is_opted_out(library: Library) -> None:
    """After unsubscribed or complained the contact gets nothing more on that channel, and still does on others."""
    trigger_id = send(library)
    execution = execution_id(library, trigger_id)
    for number, kind in ((1, "complained"), (2, "unsubscribed"), (3, "bounced")):
        event = {"event_id": kind, "type": kind, "occurred_at": "2025-11-23T13:00:00Z"}
        library.record_events(ACCOUNT, [{**event, "execution_id": execution, "job_id": str(number)}])
    assert [library.catalog.contact(ACCOUNT, f"user_{number}").opted_out for number in (1, 2, 3)] == [
        ("sms",), ("sms",), ()
    ]  # fmt: skip
    library.catalog.put(ACCOUNT, Contact(external_id="user_1", phone_number="+14155550001"))
    assert counts(library, send(library)) == {"filtered": 2, "pending": 3}


def test_the_newest_word_on_opt_outs_counts(library: Library, clock: Clock) -> None:
    """Who came back after unsubscribing is out again by a later event, not by one from before, told late or again."""
    execution = execution_id(library, send(library))

    def told(occurred_at: datetime) -> tuple[EventCounts, tuple[str, ...] | None]:
        event = {"event_id": "e", "type": "unsubscribed", "occurred_at": occurred_at.isoformat()}
        counted = library.record_events(ACCOUNT, [{**event, "execution_id": execution, "job_id": 2}])
        return counted, library.catalog.contact(ACCOUNT, "user_2").opted_out

    new, known = (EventCounts(accepted=n, duplicate=1 - n, unmatched=0) for n in (1, 0))
    assert told(clock.now) == (new, ("sms",))
    clock.forward(hours=1)
    library.catalog.put(ACCOUNT, evolve(library.catalog.contact(ACCOUNT, "user_2"), opted_out=()))
    assert told(clock.now - timedelta(hours=1)) == (known, ())
    assert told(clock.now - timedelta(minutes=1)) == (known, ())
    assert told(clock.now + timedelta(minutes=1)) == (new, ("sms",))
    assert told(clock.now + timedelta(minutes=2)) == (known, ("sms",))
    clock.forward(hours=1)
    library.catalog.put(ACCOUNT, Contact(external_id="user_2", phone_number="+14155550002"))
    assert library.catalog.contact(ACCOUNT, "user_2").opted_out == ("sms",)


@pytest.mark.parametrize("rounds", [20, pytest.param(2000, marks=pytest.mark.deep)])
def test_opt_outs_equal_a_model(library: Library, clock: Clock, rounds: int) -> None:
    """After any statements and events, in any order, a contact is out of what it last said, and left since."""
    dice = Random(rounds)
    people = {job_id: f"user_{job_id}" for job_id in (1, 2, 3)}
    execution = execution_id(library, send(library))
    said: dict[int, tuple[datetime, set[str]]] = {}
    events: dict[tuple[int, str], list[datetime]] = {}
    for _ in range(rounds):
        clock.forward(minutes=1)
        batch = []
        for job_id, name in people.items():
            contact = library.catalog.contact(ACCOUNT, name)
            if dice.random() < 0.3:
                out = dice.choice((None, (), ("sms",), ("email",)))
                if out is not None:
                    said[job_id] = clock.now, set(out)
                library.catalog.put(ACCOUNT, evolve(contact, opted_out=out))
            if dice.random() < 0.7:
                kind = dice.choice(("unsubscribed", "complained", "opened"))
                at = clock.now + timedelta(minutes=dice.randint(-9, 0), seconds=-1)
                batch.append((job_id, kind, at))

        def is_out(job_id: int) -> bool:
            since, channels = said.get(job_id, (None, set()))
            left = [at for kind in ("unsubscribed", "complained") for at in events.get((job_id, kind), ())]
            return "sms" in channels or any(since is None or at > since for at in left)

        before = {job_id: is_out(job_id) for job_id in people}
        news = 0
        for job_id, kind, at in batch:
            known = events.setdefault((job_id, kind), [])
            is_news = not known or at < min(known)
            known.append(at)
            news += is_news or is_out(job_id) > before[job_id]
        sent = [
            {
                "event_id": "e",
                "type": kind,
                "occurred_at": at.isoformat(),
                "execution_id": execution,
                "job_id": job_id,
            }
            for job_id, kind, at in batch
        ]
        if sent:
            assert library.record_events(ACCOUNT, sent).accepted == news
        for job_id, name in people.items():
            channels = said.get(job_id, (None, set()))[1] - {"sms"} | ({"sms"} if is_out(job_id) else set())
            assert set(library.catalog.contact(ACCOUNT, name).opted_out or ()) == channels


def test_events_are_counted(library: Library) -> None:
    """Each event is accepted, a duplicate or unmatched; wrong ones are named and nothing is recorded."""
    execution = execution_id(library, send(library))
    at = "2025-11-23T13:00:00Z"

    def event(kind: str, job_id: int, occurred_at: str = at, execution_id: str = execution) -> dict[str, Any]:
        return {
            "event_id": f"{kind}{job_id}",
            "type": kind,
            "occurred_at": occurred_at,
            "execution_id": execution_id,
            "job_id": job_id,
        }

    def told(*events: dict[str, Any]) -> tuple[int, int, int]:
        found = library.record_events(ACCOUNT, events)
        return found.accepted, found.duplicate, found.unmatched

    assert told() == (0, 0, 0)
    assert told(event("delivered", 1)) == (1, 0, 0)
    assert told(event("delivered", 1)) == (0, 1, 0)
    assert told(event("delivered", 1, "2025-11-23T12:30:00Z")) == (1, 0, 0)
    assert told(event("opened", 1), event("delivered", 2), event("delivered", 2), event("opened", 9)) == (
        2,
        1,
        1,
    )
    assert told(*(event("opened", number) for number in range(1, 6))) == (4, 1, 0)
    late, early = "2025-11-23T14:00:00Z", "2025-11-23T11:00:00Z"
    more = [
        event("bounced", number) for number in (3, 4, 5)
    ]  # few events are recorded in another way than many
    assert told(event("bounced", 1, late), event("bounced", 1, early)) == (1, 1, 0)
    assert told(event("bounced", 2, late), event("bounced", 2, early), *more) == (4, 1, 0)
    assert told(event("read", 3, late), event("read", 3, early)) == (1, 1, 0)  # opened in between
    other = library.catalog.put("globex", Contact(external_id="x"))
    assert other.external_id == "x"
    assert library.record_events("globex", [event("clicked", 1)]).unmatched == 1
    assert library.record_events("globex", [event("clicked", 1)] * 5).unmatched == 5
    for nobody in (None, "", 7):
        with pytest.raises(InvalidValue, match="account"):
            library.record_events(nobody, [event("clicked", 1)])  # type: ignore[arg-type]
    with pytest.raises(FactsRefused) as caught:
        library.record_events(ACCOUNT, [event("opened", 1), {**event("nothing", 1), "colour": "red"}, {}])
    assert [(error.row, error.field) for error in caught.value.errors] == [
        (1, "colour"),
        (1, "type"),
        *((2, field) for field in ("event_id", "occurred_at", "type")),
    ]


class Listener(Teller):
    """Counts how often it is asked for events, and tells after so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times_left = times
        self.heard = threading.Event()

    def events(self) -> list[Event]:
        self.times_left -= 1
        if not self.times_left:
            self.heard.set()
        return []


def test_an_idle_worker_asks_the_store_for_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is due the store is left alone, however often senders are asked for events."""
    monkeypatch.setattr("trigger_core.worker._POLL", 0.001)
    monkeypatch.setattr("trigger_core.worker._SHARED_REST", 60.0)
    with make(clock) as library:
        send(library, contact_external_id="user_1", scheduled_at=clock.now + timedelta(days=1))
        reads: Counter[str] = Counter()
        read = library.store.read

        def counted() -> Any:
            reads["asked"] += 1
            return read()

        monkeypatch.setattr(library.store, "read", counted)
        sender = Listener(300)
        with Worker(library, {"sms": sender, "email": Teller()}) as worker:
            worker.start()
            assert sender.heard.wait(30)
            assert reads.total() <= 3
            clock.forward(days=1)  # and nobody says so
            deadline = time.monotonic() + 30
            while not sender.handed:
                assert time.monotonic() < deadline
                time.sleep(0.001)


def test_work_that_comes_from_elsewhere_is_found(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others may write to the store, a worker asks it again after a while, though nobody told it."""
    monkeypatch.setattr("trigger_core.worker._POLL", 0.001)
    monkeypatch.setattr("trigger_core.worker._SHARED_REST", 0.01)
    with make(clock) as library:
        monkeypatch.setattr(library.store, "sees_every_write", False, raising=False)
        elsewhere = Library(library.store, clock=clock)
        sender = Listener(100)
        with Worker(library, {"sms": sender}) as worker:
            worker.start()
            assert sender.heard.wait(30)
            send(elsewhere)
            deadline = time.monotonic() + 30
            while len(sender.handed) < 5:
                assert time.monotonic() < deadline
                time.sleep(0.001)


def test_threads_send_what_comes(clock: Clock) -> None:
    """A started worker sends what is asked for without being told, and stops when all in hand is recorded."""
    with make(clock) as library:
        senders = {channel: Teller() for channel in CHANNELS}
        worker = Worker(library, senders)
        worker.start()
        try:
            ids = [send(library, contact_external_id="user_1") for _ in range(5)]
            ids.append(
                library.run(ACCOUNT, WorkflowRun(workflow_name="Group", list_name="everyone")).trigger_id
            )
            ids.append(
                library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone")).trigger_id
            )
            clock.forward(days=5)
            done = threading.Event()
            for _ in range(500):
                if all(library.trigger(ACCOUNT, one).status == "completed" for one in ids):
                    break
                done.wait(0.02)
        finally:
            worker.stop()
        assert [library.trigger(ACCOUNT, one).status for one in ids] == ["completed"] * len(ids)
        assert all(count == 1 for sender in senders.values() for count in sender.times.values())
        assert [sender.closed for sender in senders.values()] == [1, 1, 1]
        assert list(library.audit()) == []


def test_stopping_finishes_what_is_in_hand(clock: Clock) -> None:
    """A worker that is stopped amid a batch records it, and claims nothing more."""
    with make(clock) as library:
        sending, go = threading.Event(), threading.Event()

        def wait(_: Sequence[Message]) -> None:
            sending.set()
            go.wait(30)

        sender = Teller(most=2, before=wait)
        trigger_id = send(library)
        worker = Worker(library, {"sms": sender})
        worker.start()
        assert sending.wait(30)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        while not worker._stopping.is_set():
            pass
        go.set()
        stopping.join(30)
        assert counts(library, trigger_id) == {"sent": 2, "pending": 3}


def test_several_workers_share_the_work(clock: Clock) -> None:
    """Workers of one store never hand over the same job, and together all of them."""
    with make(clock, people=40) as library:
        ids = [send(library) for _ in range(3)]
        senders = [Teller(most=7) for _ in range(4)]
        workers = [Worker(library, {"sms": sender}) for sender in senders]
        for worker in workers:
            worker.start()
        waiting = threading.Event()
        for _ in range(1000):
            if all(library.trigger(ACCOUNT, one).status == "completed" for one in ids):
                break
            waiting.wait(0.02)
        for worker in workers:
            worker.stop()
        times: Counter[str] = sum((sender.times for sender in senders), Counter())
        assert len(times) == 120
        assert set(times.values()) == {1}
        assert list(library.audit()) == []


def test_a_store_that_fails_while_recording_is_asked_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is recorded as soon as the store answers again."""
    trigger_id = send(library)
    write = library.store.write
    failures = [StoreUnavailable(), StoreUnavailable()]

    def flaky() -> Any:
        if armed and failures:
            raise failures.pop()
        return write()

    armed: list[bool] = []
    monkeypatch.setattr(library.store, "write", flaky)
    monkeypatch.setattr("trigger_core.worker._POLL", 0.001)
    with Worker(library, {"sms": Teller(before=lambda _: armed.append(True))}) as worker:
        worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}
    assert not failures


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_claim_in_doubt_is_looked_for(
    library: Library, monkeypatch: pytest.MonkeyPatch, is_recorded: bool
) -> None:
    """Where it isn't known whether a claim was recorded, its messages are sent all the same, and once."""
    trigger_id = send(library)
    write = library.store.write
    doubts = [StoreInDoubt()]

    @contextmanager
    def doubtful() -> Iterator[Any]:
        if not doubts:
            with write() as session:
                yield session
        elif is_recorded:
            with write() as session:
                yield session
            raise doubts.pop()
        else:
            with suppress(Abandoned), write() as session:
                yield session
                raise Abandoned
            raise doubts.pop()

    monkeypatch.setattr(library.store, "write", doubtful)
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        if not is_recorded:
            with pytest.raises(StoreInDoubt):
                worker.turn()
        assert (worker.turn(), worker.turn()) == (5, 0)
    assert counts(library, trigger_id) == {"sent": 5}
    assert len(sender.handed) == 5
    assert list(library.audit()) == []


class Abandoned(Exception):
    """A transaction is given up."""


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["sms", "email"]), st.integers(0, 3)),
        st.tuples(st.just("run"), st.sampled_from(["Series", "Group"]), st.integers(0, 3)),
        st.tuples(st.just("turn"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("forward"), st.sampled_from([1, 60, 3600, 86_400, 300_000]), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("cancel amid"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("kill"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("host"), st.integers(0, 5), st.integers(1, 3)),
        st.tuples(st.just("host amid"), st.integers(0, 5), st.integers(1, 3)),
    ),
    min_size=3,
    max_size=14,
)


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize(
    "examples", [pytest.param(2, id="short"), pytest.param(300, id="long", marks=pytest.mark.deep)]
)
def test_histories(examples: int) -> None:
    """Whatever is asked, cancelled and killed in whatever order, everything ends once, and the books are right."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps, st.booleans(), st.randoms(use_true_random=False))
    def check(history: list[tuple[str, Any, int]], idempotent: bool, dice: Any) -> None:
        live(history, idempotent, dice)

    check()


def live(history: list[tuple[str, Any, int]], idempotent: bool, dice: Any) -> None:
    clock = Clock()
    ids: list[str] = []
    amid: list[Any] = []

    def answer(message: Message) -> Result:
        named = Accepted(provider_message_id=message.token, cost=Decimal("0.02"))
        wrong = Accepted(provider_message_id="same", cost=Decimal(-1))
        return dice.choice([Accepted(), named, wrong, NO, BUSY])  # type: ignore[no-any-return]

    def before(messages: Sequence[Message]) -> None:
        while amid:
            act = amid.pop()
            if act is Killed:
                raise Killed
            act()

    senders = [
        {channel: Teller(answer, idempotent=idempotent, most=2, before=before) for channel in CHANNELS}
        for _ in range(2)
    ]
    with make(clock, people=3) as library:
        workers = [Worker(library, each, seed=1) for each in senders]

        def turn(which: int) -> int:
            try:
                return workers[which].turn()
            except Killed:
                bury(library, workers[which], clock)
                workers[which] = Worker(library, senders[which], seed=1)
                return 1

        def cancel(which: int) -> None:
            if ids:
                library.record([Cancel(trigger_id=ids[which % len(ids)], at=clock.now)])

        def host(which: int, job_id: int) -> None:
            """Somebody else says what became of a job, and hears early of its message."""
            if ids:
                executions = library.store.table(
                    "select execution_id::varchar from jobs where trigger_id = $trigger_id::uuid and job_id = $job_id",
                    {"trigger_id": ids[which % len(ids)], "job_id": job_id},
                )[1]
                for (execution,) in executions[:1]:
                    names = {"provider": "teller", "provider_message_id": f"{execution}:{job_id}:1"}
                    event = {"event_id": execution, "type": "opened", "occurred_at": clock.now, **names}
                    library.record_events(ACCOUNT, [event])
                    outcome = ("sent", "failed")[which % 2]
                    error = {"code": "x", "message": "X"} if outcome == "failed" else None
                    said: Any = {"outcome": outcome, "at": clock.now, "error": error}
                    library.record([Outcome(execution_id=execution, job_id=job_id, **said)])

        for kind, value, number in history:
            whom: dict[str, Any] = (
                {"contact_external_id": f"user_{number}"} if number else {"list_name": "everyone"}
            )
            if kind == "send":
                ids.append(
                    library.send(ACCOUNT, Send(channel=value, template_key="hello", **whom)).trigger_id
                )
            elif kind == "run":
                ids.append(library.run(ACCOUNT, WorkflowRun(workflow_name=value, **whom)).trigger_id)
            elif kind == "turn":
                turn(value)
            elif kind == "forward":
                clock.forward(seconds=value)
            elif kind == "cancel":
                cancel(value)
            elif kind == "host":
                host(value, number)
            elif kind == "host amid":
                amid.append(lambda which=value, job_id=number: host(which, job_id))
            elif kind == "cancel amid":
                amid.append(lambda which=value: cancel(which))
            else:
                amid.append(Killed)
            assert list(library.audit()) == []
        amid.clear()
        for _ in range(12):
            clock.forward(days=1)
            while turn(0) + turn(1):
                pass
        for one in library.triggers(ACCOUNT, limit=200).triggers:
            assert one.status in ("completed", "failed", "cancelled")
        assert list(library.audit()) == []
        tables = ("dispatches", "claims", "retries", "audiences")
        for table in tables:
            assert library.store.table(f"select count(*) from {table}", {})[1] == [(0,)]  # noqa: S608
        views = library.store.table("select trigger_id::varchar, status from trigger_status order by 1", {})[
            1
        ]
        assert views == sorted((one.id, one.status) for one in library.triggers(ACCOUNT, limit=200).triggers)
    if not idempotent:
        for channel in CHANNELS:
            times = senders[0][channel].times + senders[1][channel].times
            assert set(times.values()) <= {1}
