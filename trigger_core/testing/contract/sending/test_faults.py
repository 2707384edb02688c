"""Whatever senders say, hosts record and stores do, the worker goes on, and the books are right."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from trigger_core import Library, answers
from trigger_core.catalog import Template, TemplateVariant
from trigger_core.errors import InvalidValue, StoreError, StoreUnavailable
from trigger_core.facts import Event, Execution, Outcome
from trigger_core.senders import Accepted, Message, Rejected, Result
from trigger_core.sending import Send, WorkflowRun
from trigger_core.testing.contract.sending.test_worker import BUSY, counts, execution_id, send
from trigger_core.testing.contract.sending.world import ACCOUNT, CHANNELS, Clock, Teller, bury, make
from trigger_core.worker import Patience, Worker

EXECUTION = "85b3b004-5331-4921-b44a-6915f5572a7a"


def rows(library: Library, table: str) -> int:
    """How many rows a table has."""
    [(found,)] = library.store.table(f"select count(*) from {table}", {})[1]  # noqa: S608
    return int(found)


def delivered(event_id: str, **target: str) -> dict[str, str]:
    """An event of a message."""
    return {"event_id": event_id, "type": "delivered", "occurred_at": "2025-11-23T13:00:00Z", **target}


# What senders say


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cost": Decimal("-1")}, "cost"),
    ({"cost": Decimal("0.00000001")}, "cost"),
    ({"cost": Decimal("NaN")}, "cost"),
    ({"cost": 0.01}, "cost"),
    ({"cost": "free"}, "cost"),
    ({"segments": -1}, "segments"),
    ({"segments": 10**12}, "segments"),
    ({"segments": "one"}, "segments"),
    ({"provider_message_id": ""}, "provider_message_id"),
    ({"provider_message_id": "m\0"}, "provider_message_id"),
    ({"provider_message_id": "\ud800"}, "provider_message_id"),
    ({"provider_message_id": "m" * 1001}, "provider_message_id"),
    ({"provider_message_id": 7}, "provider_message_id"),
]


@pytest.mark.parametrize(("said", "name"), WRONG)
def test_what_cannot_be_recorded_of_an_accepted_message_is_left_out(
    library: Library, caplog: pytest.LogCaptureFixture, said: dict[str, Any], name: str
) -> None:
    """The message was taken all the same: it is sent, with what was planned where the sender says nothing usable."""
    trigger_id = send(library, contact_external_id="user_1")
    with Worker(library, {"sms": Teller(lambda _: Accepted(**said))}) as worker:
        assert (worker.turn(), worker.turn()) == (1, 0)
    job = library.job(ACCOUNT, execution_id(library, trigger_id), 1)
    assert (job.status, job.provider_message_id, job.segments, job.cost) == ("sent", None, 1, Decimal("0.01"))
    assert name in caplog.text


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("a\0b", "\ud800", ("a\ufffdb", "\ufffd")),
        ("c" * 300, "m" * 3000, ("c" * 200, "m" * 1000)),
        ("", "", ("unknown", "")),
        (None, 7, ("unknown", "")),
    ],
)
def test_what_cannot_be_recorded_of_a_rejected_message_is_cut(
    library: Library, code: Any, message: Any, expected: tuple[str, str]
) -> None:
    """The message is failed with as much of the code and the sentence as can be kept."""
    trigger_id = send(library, contact_external_id="user_1")
    with Worker(library, {"sms": Teller(lambda _: Rejected(code=code, message=message))}) as worker:
        assert (worker.turn(), worker.turn()) == (1, 0)
    job = library.job(ACCOUNT, execution_id(library, trigger_id), 1)
    assert job.error == answers.JobError(code=expected[0], message=expected[1])


def test_what_is_no_result_says_nothing(library: Library) -> None:
    """A sender that gives something else than results leaves its batch in doubt."""
    trigger_id = send(library)
    nothing: Callable[[Message], Any] = lambda _: None  # noqa: E731
    with Worker(library, {"sms": Teller(nothing)}) as worker:
        assert (worker.turn(), worker.turn()) == (5, 0)
    found = library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs
    assert {job.error and job.error.code for job in found} == {"in_doubt"}


def test_a_message_id_leads_to_the_first_message_that_had_it(library: Library) -> None:
    """An id that a sender repeats, in a batch or later, stays with its first message; the others have none."""
    first, second = send(library), send(library, contact_external_id="user_1")
    with Worker(library, {"sms": Teller(lambda _: Accepted(provider_message_id="same"), most=5)}) as worker:
        while worker.turn():
            pass
    ids = [
        job.provider_message_id
        for trigger_id in (first, second)
        for job in library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs
    ]
    assert sorted(ids, key=str) == [None] * 5 + ["same"]
    found = library.record_events(ACCOUNT, [delivered("e", provider="teller", provider_message_id="same")])
    assert found.accepted == 1


def test_an_event_may_come_before_the_result(library: Library) -> None:
    """What is reported of a message while its sender is still busy counts as soon as the result is recorded."""
    trigger_id = send(library, contact_external_id="user_1")
    names = {"provider": "teller", "provider_message_id": "m1"}
    events = [delivered("e1", **names), {**delivered("e2", **names), "type": "unsubscribed"}]

    def report(_: Sequence[Message]) -> None:
        assert library.record_events(ACCOUNT, events).unmatched == 2
        assert library.record_events("globex", events).unmatched == 2

    sender = Teller(lambda _: Accepted(provider_message_id="m1"), before=report)
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
    job = library.job(ACCOUNT, execution_id(library, trigger_id), 1)
    assert (job.status, job.delivered_at is None, job.unsubscribed_at is None) == ("sent", False, False)
    assert library.catalog.contact(ACCOUNT, "user_1").opted_out == ("sms",)
    assert rows(library, "parked_events") == 2
    assert library.record_events(ACCOUNT, events).duplicate == 2


def test_a_sender_that_cannot_report_still_sends(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    """An exception while asking for events ends nothing, and its text is not logged."""

    class Mute(Teller):
        def events(self) -> list[Event]:
            raise ConnectionError("password")

        def close(self) -> None:
            raise ConnectionError("password")

    trigger_id = send(library)
    other = Teller()
    with Worker(library, {"sms": Mute(), "email": other}) as worker:
        assert (worker.turn(), worker.turn()) == (5, 0)
    assert counts(library, trigger_id) == {"sent": 5}
    assert other.closed == 1
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text


def test_events_that_cannot_be_recorded_do_not_spoil_others(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what a sender reports the rest is recorded, also where the store fails the first time."""
    trigger_id = send(library, contact_external_id="user_1")
    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
        wrong: Any = {"kind": "event", "event_id": "w", "type": "lost"}
        right = Event(
            event_id="e",
            type="delivered",
            at=library._now(),
            account=ACCOUNT,
            provider="teller",
            provider_message_id=sender.handed[0].token,
        )
        sender.told = [wrong, right]
        with monkeypatch.context() as patch:
            patch.setattr(library, "record", lambda _: (_ for _ in ()).throw(StoreUnavailable()))
            with pytest.raises(StoreUnavailable):
                worker.turn()
        while worker.turn():
            pass
    assert library.job(ACCOUNT, execution_id(library, trigger_id), 1).delivered_at is not None


@pytest.mark.parametrize("change", [{"provider": ""}, {"provider": "p\0"}, {"most": 0}, {"most": None}])
def test_a_sender_that_cannot_be_is_refused(library: Library, change: dict[str, Any]) -> None:
    """Members of a sender that nothing could be recorded of, or that would send nothing, are named at once."""
    [name] = change
    with pytest.raises(InvalidValue, match=rf"senders\.sms\.{name}"):
        Worker(library, {"sms": Teller(**change)})
    with pytest.raises(InvalidValue, match="lease"):
        Worker(library, {}, lease=timedelta(0))


def test_an_idempotent_sender_that_keeps_failing_is_given_up(library: Library, clock: Clock) -> None:
    """It is handed the same messages after ever longer pauses, as often as there are attempts."""
    trigger_id = send(library)
    handed = []

    def fail(messages: Sequence[Message]) -> None:
        handed.append((clock.now, {message.token for message in messages}))
        raise ConnectionError

    with Worker(
        library, {"sms": Teller(idempotent=True, before=fail)}, patience=Patience(attempts=4)
    ) as worker:
        for _ in range(60):
            worker.turn()
            clock.forward(seconds=10)
    assert len(handed) == 4
    assert len({frozenset(tokens) for _, tokens in handed}) == 1
    first, second, third = (later[0] - earlier[0] for earlier, later in pairwise(handed))
    assert timedelta(seconds=15) <= first <= timedelta(seconds=55)
    assert timedelta(seconds=60) <= third <= timedelta(seconds=190)
    assert second > timedelta(seconds=25)
    assert counts(library, trigger_id) == {"failed": 5}


def test_a_failing_sender_is_given_up_in_time(library: Library, clock: Clock) -> None:
    """Nothing is handed over later than the limit after the first attempt, however many attempts there are."""
    trigger_id = send(library)
    handed = []

    def fail(_: Sequence[Message]) -> None:
        handed.append(clock.now)
        raise ConnectionError

    patience = Patience(attempts=50, limit=timedelta(minutes=10))
    with Worker(library, {"sms": Teller(idempotent=True, before=fail)}, patience=patience) as worker:
        for _ in range(40):
            worker.turn()
            clock.forward(minutes=1)
    assert len(handed) > 2
    assert handed[-1] - handed[0] <= timedelta(minutes=11)  # a turn each minute
    assert counts(library, trigger_id) == {"failed": 5}


def test_what_is_handed_over_again_keeps_to_the_rate(library: Library, clock: Clock) -> None:
    """After a provider was away, no more than the rate goes out to it."""
    send(library), send(library)
    begun, handed = clock.now, []

    def away(messages: Sequence[Message]) -> None:
        if clock.now < begun + timedelta(seconds=10):
            raise ConnectionError
        handed.append((clock.now, len(messages)))

    patience = Patience(attempts=50, pause=timedelta(seconds=2))
    with Worker(
        library, {"sms": Teller(idempotent=True, before=away)}, rates={"sms": 1}, patience=patience
    ) as worker:
        for _ in range(60):
            for _ in range(3):
                worker.turn()
            clock.forward(seconds=1)
    assert sum(count for _, count in handed) == 10
    assert max(Counter(at for at, _ in handed).values()) == 1


def test_what_was_reported_last_is_recorded(library: Library, clock: Clock) -> None:
    """Events that could not be recorded yet, and such as came since, are recorded when the worker stops."""
    trigger_id = send(library)
    sender = Teller(lambda message: Accepted(provider_message_id=message.token))

    def delivered(number: int) -> Event:
        return Event(
            event_id=f"e{number}",
            type="delivered",
            at=clock.now,
            account=ACCOUNT,
            provider="teller",
            provider_message_id=sender.handed[number].token,
        )

    with Worker(library, {"sms": sender}) as worker:
        worker.turn()
        sender.told = [delivered(0)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(library, "record", lambda _: (_ for _ in ()).throw(StoreUnavailable()))
            with pytest.raises(StoreUnavailable):
                worker.turn()
        sender.told = [delivered(1)]
    found = library.jobs(ACCOUNT, execution_id(library, trigger_id)).jobs
    assert [job.job_id for job in found if job.delivered_at is not None] == [1, 2]
    assert sender.closed == 1


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"pause": timedelta(0)}, {"limit": timedelta(-1)}])
def test_patience_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """No attempts, and times that aren't above 0, are named; very many attempts are no harm."""
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        Patience(**wrong)
    for pause in (timedelta(seconds=1), timedelta(days=9999)):
        longest = Patience(attempts=10_000, pause=pause).pause_after(9_999, Random(1))
        assert timedelta(hours=0.5) <= longest <= timedelta(hours=1.5)


def test_one_at_a_time_both_small_and_large_sends_go_on(library: Library) -> None:
    """Where there is room for one message only, neither kind waits for the other to end."""
    large = send(library)
    small = [send(library, contact_external_id="user_1") for _ in range(40)]
    with Worker(library, {"sms": Teller(most=1)}) as worker:
        for _ in range(30):
            worker.turn()
    assert counts(library, large) == {"sent": 5}
    assert sum(library.trigger(ACCOUNT, one).status == "completed" for one in small) >= 20


def test_a_first_attempt_does_not_wait_for_retries(library: Library, clock: Clock) -> None:
    """Those who are tried again have half of each batch where others are sent to for the first time."""
    for _ in range(4):
        send(library)
    sender = Teller(lambda _: BUSY, most=4)
    with Worker(library, {"sms": sender}, patience=Patience(pause=timedelta(seconds=1))) as worker:
        while worker.turn():
            pass
        clock.forward(seconds=10)
        late = send(library, contact_external_id="user_3")
        sender.answer, sender.handed = (lambda _: Accepted()), []
        worker.turn()
        assert counts(library, late) == {"sent": 1}
        assert len(sender.handed) == 3
        while worker.turn():
            pass
    assert len(sender.handed) == 21


def test_a_large_send_goes_on_beside_small_ones(library: Library) -> None:
    """Small sends that come all the time have half of each batch, and a large one the other half."""
    large = send(library)
    sender = Teller(most=2)
    with Worker(library, {"sms": sender}) as worker:
        for _ in range(5):
            for _ in range(2):
                send(library, contact_external_id="user_1")
            worker.turn()
    assert counts(library, large) == {"sent": 5}
    assert len(sender.handed) == 10


def test_a_price_beyond_all_bounds_blocks_nobody(library: Library, clock: Clock) -> None:
    """What a message may cost has a bound, so that planning never fails for it."""
    variant = TemplateVariant(approved=True, text="{{name}}" * 9, price=Decimal(10**9), price_per="segment")
    library.catalog.put(ACCOUNT, Template(key="dear", channel="sms", variants=(variant,)))
    library.send(
        ACCOUNT,
        Send(
            channel="sms", template_key="dear", contact_external_id="user_1", variables={"name": "x" * 9999}
        ),
    )
    with Worker(library, {"sms": Teller()}) as worker:
        assert worker.turn() == 1


# What hosts record


def test_jobs_that_ended_elsewhere_are_passed_over(library: Library, clock: Clock) -> None:
    """A batch of which every job has an outcome already is no reason to stop: the next one goes in the same turn."""
    trigger_id = send(library)
    execution = execution_id(library, trigger_id)
    library.record(
        [Outcome(execution_id=execution, job_id=job_id, outcome="sent", at=clock.now) for job_id in (1, 2)]
    )
    sender = Teller(most=2)
    with Worker(library, {"sms": sender}) as worker:
        assert [worker.turn() for _ in range(3)] == [2, 1, 0]
    assert counts(library, trigger_id) == {"sent": 5}
    assert len(sender.handed) == 3
    assert rows(library, "claims") == 0


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_lost_claim_of_which_all_ended_elsewhere(library: Library, clock: Clock, idempotent: bool) -> None:
    """It ends without a word to a sender."""

    def end(_: Sequence[Message]) -> None:
        library.record(
            [
                Outcome(
                    execution_id=execution, job_id=1, outcome="filtered", at=clock.now, code="x", reason="X"
                )
            ]
        )
        raise KeyboardInterrupt

    trigger_id = send(library, contact_external_id="user_1")
    execution = execution_id(library, trigger_id)
    with pytest.raises(KeyboardInterrupt):
        Worker(library, {"sms": Teller(before=end)}).turn()
    clock.forward(minutes=2)
    strict = Teller(idempotent=idempotent, before=lambda messages: messages[0])
    with Worker(library, {"sms": strict}) as worker:
        assert worker.turn() == 0
    assert (counts(library, trigger_id), rows(library, "claims")) == ({"filtered": 1}, 0)


def test_a_job_in_hand_of_a_cancelled_trigger_may_end_elsewhere(library: Library, clock: Clock) -> None:
    """While a sender is busy with jobs of a cancelled trigger, a host's outcome counts at once, for that job only."""
    trigger_id = send(library)
    execution = execution_id(library, trigger_id)
    seen: list[dict[str, int]] = []

    def amid(_: Sequence[Message]) -> None:
        clock.forward(seconds=1)
        library.cancel(ACCOUNT, trigger_id)
        for _repeated in range(2):
            library.record([Outcome(execution_id=execution, job_id=1, outcome="sent", at=clock.now)])
            seen.append(counts(library, trigger_id))
            assert list(library.audit()) == []

    with Worker(library, {"sms": Teller(lambda _: BUSY, most=2, before=amid)}) as worker:
        worker.turn()
    assert seen == [{"sent": 1, "pending": 1, "cancelled": 3}] * 2
    assert counts(library, trigger_id) == {"sent": 1, "cancelled": 4}
    assert library.trigger(ACCOUNT, trigger_id).status == "cancelled"


def test_a_step_that_a_host_goes_through_itself(library: Library, clock: Clock) -> None:
    """A step whose execution a host recorded is not planned, and holds up no other one."""
    runs = [library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone")) for _ in range(2)]
    library.record(
        [
            Execution(
                account=ACCOUNT,
                trigger_id=runs[0].trigger_id,
                execution_id=EXECUTION,
                channel="sms",
                step_id="step-2",
                expected_jobs=0,
            )
        ]
    )
    senders = {channel: Teller() for channel in CHANNELS}
    with Worker(library, senders) as worker:
        for _ in range(5):
            while worker.turn():
                pass
            clock.forward(days=1)
    assert [len(senders[channel].handed) for channel in CHANNELS] == [10, 5, 10]
    assert [library.trigger(ACCOUNT, run.trigger_id).status for run in runs] == ["completed"] * 2
    assert (rows(library, "scheduled_steps"), rows(library, "audiences")) == (0, 0)


def test_a_step_is_planned_with_the_template_that_is_there_then(library: Library, clock: Clock) -> None:
    """A template that was replaced since the run began is sent as it is by then, if it is approved."""

    def replace(**members: Any) -> None:
        variant = TemplateVariant(**members)
        library.catalog.put(
            ACCOUNT, Template(key="hello", channel="sms", currency="USD", variants=(variant,))
        )

    sms = Teller()
    with Worker(library, {**{channel: Teller() for channel in CHANNELS}, "sms": sms}) as worker:
        runs = [
            library.run(ACCOUNT, WorkflowRun(workflow_name="Series", contact_external_id="user_1"))
            for _ in range(2)
        ]
        replace(approved=True, text="New")
        clock.forward(hours=12)
        library.run(ACCOUNT, WorkflowRun(workflow_name="Series", contact_external_id="user_2"))
        clock.forward(hours=12)
        worker.turn()
        replace(approved=False, text="Newer")
        clock.forward(hours=12)
        worker.turn()
    assert [message.text for message in sms.handed] == ["New", "New"]
    assert [library.workflow(ACCOUNT, run.trigger_id).steps[1].status for run in runs] == ["completed"] * 2
    [last, *_] = library.triggers(ACCOUNT, limit=1).triggers
    step = library.workflow(ACCOUNT, last.id).steps[1]
    assert step.jobs is not None
    assert (step.status, step.jobs.filtered) == ("completed", 1)


# Workers


def test_a_restarted_worker_keeps_what_it_has_in_hand(library: Library) -> None:
    """After stop and start nobody else takes over its claims while it is busy."""
    other = Teller()

    def look(_: Sequence[Message]) -> None:
        with Worker(library, {"sms": other}) as helper:
            helper.turn()

    sender = Teller(before=look)
    worker = Worker(library, {"sms": sender})
    worker.stop()
    trigger_id = send(library)
    with worker:
        worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}
    assert not other.handed


def test_starting_twice_is_starting_once(library: Library) -> None:
    """A worker that is at work already goes on as it is, and all its threads end with it."""
    before = set(threading.enumerate())
    with Worker(library, {"sms": Teller()}) as worker:
        worker.start()
        worker.start()
        assert len(set(threading.enumerate()) - before) == 3
    assert set(threading.enumerate()) <= before


def test_a_worker_that_came_while_another_takes_over(
    library: Library, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that a new worker makes takes over while another one looks for lost ones isn't lost."""
    dead = Worker(
        library, {"sms": Teller(most=1, before=lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))}
    )
    trigger_id = send(library)
    with pytest.raises(KeyboardInterrupt):
        dead.turn()
    bury(library, dead, clock)
    slow, fast = Teller(idempotent=True), Teller(idempotent=True, most=1)
    taking, write = Worker(library, {"sms": slow}), library.store.write

    def in_between() -> Any:
        monkeypatch.undo()
        claim = Worker(library, {"sms": fast})._take_over("sms", fast)
        assert claim is not None
        assert len(claim.jobs) == 1
        return write()

    monkeypatch.setattr(library.store, "write", in_between)
    while taking.turn():
        pass
    assert [message.token.split(":")[1] for message in slow.handed] == ["2", "3", "4", "5"]
    assert counts(library, trigger_id) == {"sent": 4, "pending": 1}


def test_a_defect_ends_no_thread(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw is logged by its class, and the work goes on."""
    with make(clock) as library, caplog.at_level(logging.ERROR):
        failures = [ZeroDivisionError("secret")]

        class Broken(Worker):
            def _work(self, channel: str) -> bool:
                if failures:
                    raise failures.pop()
                return super()._work(channel)

        done = threading.Event()
        sender = Teller(before=lambda _: done.set())
        with Broken(library, {"sms": sender}) as worker:
            worker.start()
            send(library)
            assert done.wait(30)
        assert len(sender.handed) == 5
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_closed_library_ends_the_work(clock: Clock) -> None:
    """Where the library is closed before its worker is stopped, the threads end by themselves."""
    library = make(clock)
    worker = Worker(library, {"sms": Teller()}, lease=timedelta(seconds=1))
    worker.start()
    library.close()
    for thread in worker._threads[:-1]:
        thread.join(30)
        assert not thread.is_alive()
    worker.stop()


def test_a_clock_that_goes_back_sends_nothing_twice(library: Library, clock: Clock) -> None:
    """Whatever the clock does between two turns, each message is handed over once, and limits still hold."""
    sender = Teller(most=2)
    trigger_id = send(library)
    with Worker(library, {"sms": sender}, rates={"sms": 2}) as worker:
        for hours in (0, -2, 3, -1, 2, -5, 9):
            clock.forward(hours=hours)
            worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}
    assert set(sender.times.values()) == {1}


# The store


def test_what_the_store_refuses_fails_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of requests that are planned together one that the store won't have fails, and the others don't."""
    from trigger_core import _plan
    from trigger_core._commit import Ticket
    from trigger_core._plan import Submission

    lay_out = _plan._lay_out

    def refuse(made: Any, draft: Any, now: Any) -> None:
        if draft.submission.request.campaign_name == "poison":
            raise StoreError
        lay_out(made, draft, now)

    monkeypatch.setattr(_plan, "_lay_out", refuse)
    requests = [
        Send(channel="sms", template_key="hello", list_name="everyone", campaign_name=name)
        for name in ("one", "poison", "two")
    ]
    submissions = [Submission(ACCOUNT, request) for request in requests]
    tickets = [Ticket([submission], ACCOUNT) for submission in submissions]
    library._planning._write_together(tickets)
    assert [type(ticket.error) for ticket in tickets] == [type(None), StoreError, type(None)]
    assert sorted(one.campaign_name for one in library.triggers(ACCOUNT).triggers) == ["one", "two"]


def test_nothing_grows_for_ever(library: Library, clock: Clock) -> None:
    """Keys that are a day old are forgotten, and values for variables once nothing is to be sent with them."""

    def ask(number: int, **members: Any) -> str:
        request = Send(
            channel="sms",
            template_key="hello",
            contact_external_id="user_1",
            variables={"name": f"No. {number}"},
            **members,
        )
        return library.send(ACCOUNT, request, idempotency_key=f"key {number}").trigger_id

    sender = Teller()
    with Worker(library, {"sms": sender}) as worker:
        for number in range(3):
            ask(number)
        later = ask(3, scheduled_at=clock.now + timedelta(days=2))
        assert (rows(library, "idempotency_keys"), rows(library, "trigger_variables")) == (4, 4)
        worker.turn()
        clock.forward(days=1)
        ask(4)
        assert (rows(library, "idempotency_keys"), rows(library, "trigger_variables")) == (1, 2)
        clock.forward(days=1)
        worker.turn()
        assert counts(library, later) == {"sent": 1}
        assert sender.handed[-1].text in ("Hello No. 3", "Hello No. 4")
        clock.forward(days=1)
        send(library)
    assert (rows(library, "idempotency_keys"), rows(library, "trigger_variables")) == (0, 0)


def test_an_interrupted_answer_is_read_anew(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed before an interrupt shows, though nothing after it was done."""
    trigger_id = send(library, contact_external_id="user_1")
    assert library.trigger(ACCOUNT, trigger_id).status == "pending"
    with Worker(library, {"sms": Teller()}) as worker:
        monkeypatch.setattr(worker, "_hand_over", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            worker.turn()
        assert library.trigger(ACCOUNT, trigger_id).status == "processing"
        monkeypatch.undo()
        assert worker.turn() == 0  # it is not known here that nothing was handed over


def test_results_are_read_from_anything_that_gives_them(library: Library) -> None:
    """A sender may give its results one by one."""

    class Streaming(Teller):
        def send(self, messages: Sequence[Message]) -> list[Result]:
            found: Any = iter(super().send(messages))
            return found  # type: ignore[no-any-return]

    trigger_id = send(library)
    with Worker(library, {"sms": Streaming()}) as worker:
        worker.turn()
    assert counts(library, trigger_id) == {"sent": 5}
