"""What is still to be sent moves with a copy, once: what one store had in hand, the other sends, and nobody twice."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import cache
from threading import Thread
from typing import Any

import pytest

from trigger_core import Library, _copy_work
from trigger_core.catalog import Template, TemplateVariant
from trigger_core.copying import CopyRefused, copy
from trigger_core.errors import StoreError, StoreUnavailable
from trigger_core.senders import Accepted, Message, Rejected, Result
from trigger_core.sending import Send, WorkflowRun
from trigger_core.testing.contract.sending.world import ACCOUNT, CHANNELS, Clock, Teller, make
from trigger_core.testing.contract.stores import fresh
from trigger_core.worker import Patience, Worker

BUSY = Rejected(code="busy", message="Try again", retry=True)


def request(template: str = "hello", **members: Any) -> Send:
    return Send(
        channel="sms", template_key=template, list_name="everyone", variables={"name": "x"}, **members
    )


def everything_asked(library: Library) -> list[str]:
    """Something in every state: sent in part, to be tried again, scheduled, a series under way, a group, cancelled."""
    asked = [
        library.send(ACCOUNT, request(), idempotency_key="one").trigger_id,
        library.send(ACCOUNT, request(scheduled_at="2025-11-24T12:00:00Z")).trigger_id,
        library.send(ACCOUNT, request(scheduled_at="2025-11-24T12:00:00Z")).trigger_id,
        library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone")).trigger_id,
        library.run(ACCOUNT, WorkflowRun(workflow_name="Group", list_name="everyone")).trigger_id,
    ]
    library.cancel(ACCOUNT, asked[2])
    return asked


def worked(library: Library, sender: Teller, turns: int | None = None) -> None:
    """Has a worker do some turns, or whatever is due."""
    patience = Patience(limit=timedelta(days=30))
    with Worker(library, dict.fromkeys(CHANNELS, sender), patience=patience, seed=1) as worker:
        while (turns is None or turns > 0) and worker.turn():
            turns = None if turns is None else turns - 1


def documents(library: Library, triggers: list[str]) -> list[bytes]:
    found = []
    for trigger_id in triggers:
        flow = library.trigger(ACCOUNT, trigger_id).flow_type
        details: Any = "direct" if flow == "direct_channel" else "workflow"
        found += [library.document(ACCOUNT, trigger_id, question).body for question in ("trigger", details)]
    return found


def begun(clock: Clock, library: Library) -> tuple[list[str], Teller]:
    """What was asked of a library that has sent some of it."""

    def answer(message: Message) -> Result:
        return BUSY if message.contact == "user_2" else Accepted(provider_message_id=f"m{message.token}")

    sender = Teller(answer, most=2)
    asked = everything_asked(library)
    worked(library, sender, 2)
    return asked, sender


def ended(clock: Clock, library: Library) -> Teller:
    """A library's work done to the end, some days later."""
    sender = Teller(lambda message: Accepted(provider_message_id=f"m{message.token}"))
    worked(library, sender)
    for days in (1, 3, 1):  # what is scheduled and the second step, the third step, what was busy then
        clock.forward(days=days)
        worked(library, sender)
    return sender


def jobs_of(*senders: Teller) -> Counter[str]:
    """How often the messages to each job were handed over, but for those that were rejected."""
    return Counter(
        message.token.rpartition(":")[0]
        for sender in senders
        for message in sender.handed
        if isinstance(sender.answer(message), Accepted)
    )


@cache
def expected() -> Counter[int]:
    """How many jobs are sent to how often where nothing moves."""
    with make(clock := Clock()) as library:
        _, before = begun(clock, library)
        after = ended(clock, library)
        return Counter(jobs_of(before, after).values())


def test_what_is_still_to_be_sent_is_sent_there(library: Library, clock: Clock) -> None:
    """The target goes on where the source stopped; the source sends nothing more, and answers what it answered."""
    library.catalog.put(ACCOUNT, library.catalog.template(ACCOUNT, "hello", "sms"))
    asked, before = begun(clock, library)
    usual = expected()
    with fresh(clock=clock) as target:
        answers = documents(library, asked)
        done = copy(library, target)
        assert (done.is_sound, done.unsent) == (True, 4)
        assert documents(library, asked) == documents(target, asked) == answers
        assert copy(library, target).unsent == 0
        replayed = target.send(ACCOUNT, request(), idempotency_key="one")
        assert (replayed.trigger_id, replayed.is_replay) == (asked[0], True)
        after = ended(clock, target)
        assert ended(clock, library).handed == []
        assert Counter(jobs_of(before, after).values()) == usual
        assert set(jobs_of(before, after).values()) == {1}
        assert {target.trigger(ACCOUNT, key).status for key in asked} == {"completed", "cancelled"}
        assert list(target.audit()) == []
        for table in ("dispatches", "retries", "scheduled_steps", "audiences", "claims"):
            assert target.store.table(f"select count(*) from {table}", {})[1] == [(0,)]  # noqa: S608
        copy(target, library)
        assert documents(library, asked) == documents(target, asked)


@contextmanager
def unavailable(library: Library, number: int) -> Iterator[None]:
    """A library whose n-th write fails before anything is written."""
    write, left = library.store.write, [number]

    def failing() -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise StoreUnavailable
        return write()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.store, "write", failing)
        yield


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.deep), 3])
def test_nothing_is_sent_twice_after_a_crash(
    library: Library, clock: Clock, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off just before the source gives up what the target has, and sends at once, it is done again in vain."""
    monkeypatch.setattr(_copy_work, "_TRIGGERS", 1)
    asked, before = begun(clock, library)
    usual = expected()
    with fresh(clock=clock) as target:
        with unavailable(library, number), pytest.raises(StoreUnavailable):
            copy(library, target)
        first = ended(clock, target)
        copy(library, target)
        rest = ended(clock, target)
        assert first.handed
        assert Counter(jobs_of(before, first, rest).values()) == usual
        assert set(jobs_of(before, first, rest).values()) == {1}
        assert {target.trigger(ACCOUNT, key).status for key in asked} == {"completed", "cancelled"}
        assert list(target.audit()) == []


def test_cancelled_there_is_not_sent_there(library: Library, clock: Clock) -> None:
    """What the target's own record says was cancelled doesn't come to life again."""
    asked = everything_asked(library)
    with fresh(clock=clock) as target:
        target.record(library.export(ACCOUNT, asked[0]))
        target.record(library.export(ACCOUNT, asked[3]))
        for key in (asked[0], asked[3]):
            target.cancel(ACCOUNT, key)
        copy(library, target)
        ended(clock, target)
        assert target.trigger(ACCOUNT, asked[0]).status == "cancelled"
        assert target.trigger(ACCOUNT, asked[3]).summary.sent == 0
        assert list(target.audit()) == []


def test_a_worker_on_the_source_is_refused(library: Library, clock: Clock) -> None:
    """While a worker is there, or something is in hand, nothing is copied; once it is settled, everything is."""
    asked = everything_asked(library)
    with fresh(clock=clock) as target:
        with (
            Worker(library, {"sms": Teller()}),
            pytest.raises(StoreError, match="a worker runs on the source"),
        ):
            copy(library, target)

        def stop(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), Worker(library, {"sms": Teller(before=stop)}) as worker:
            worker.turn()
        with pytest.raises(StoreError, match="has 10 messages in hand"):
            copy(library, target)
        assert target.triggers(ACCOUNT).triggers == ()
        clock.forward(minutes=5)
        worked(library, Teller())
        assert copy(library, target).is_sound
        assert documents(target, asked) == documents(library, asked)


def test_a_worker_that_comes_meanwhile_is_noticed(library: Library, clock: Clock) -> None:
    """Where what is to be sent changes between reading it and giving it up, the copy says that both may send it."""
    everything_asked(library)
    write = library.store.write

    def late(*, wait: bool = True) -> Any:
        library.store.write = write  # type: ignore[method-assign]
        worked(library, Teller())
        return write(wait=wait)

    with fresh(clock=clock) as target:
        library.store.write = late  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="a worker runs on the source, and both may send"):
            copy(library, target)


def test_nobody_gets_what_is_being_given_up(
    library: Library, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that comes once the source has looked what is to be sent, and gives it up, gets nothing of it."""
    everything_asked(library)
    sender, look = Teller(), _copy_work._left
    looks: list[Any] = []
    worker = Thread(target=worked, args=(library, sender))

    def late(session: Any, ids: list[str]) -> Any:
        found = look(session, ids)
        looks.append(found)
        if len(looks) == 2:
            worker.start()
            worker.join(0.5)  # it waits, or looks again and again, until this is over
        return found

    monkeypatch.setattr(_copy_work, "_left", late)
    with fresh(clock=clock) as target:
        assert copy(library, target).unsent == 4
        worker.join()
        assert sender.handed == []


def test_what_a_worker_has_in_hand_by_then_is_noticed(library: Library, clock: Clock) -> None:
    """What was claimed since the copy began keeps what is to be sent where it is."""
    library.send(ACCOUNT, request())

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    def late(what: str, _done: int, _all: int | None) -> None:
        if what == "copying contacts":
            with (
                pytest.raises(KeyboardInterrupt),
                Worker(library, {"sms": Teller(before=stop, most=2)}) as one,
            ):
                one.turn()

    with fresh(clock=clock) as target:
        with pytest.raises(StoreError, match="has 2 messages in hand"):
            copy(library, target, progress=late)
        clock.forward(minutes=5)
        for store, messages in ((target, 0), (library, 3)):
            worked(store, sender := Teller())
            assert len(sender.handed) == messages


def test_what_comes_in_meanwhile_goes_over_with_the_next_copy(library: Library, clock: Clock) -> None:
    """A request the facts came too late for stays in the source, whole; one they brought goes over, with its text."""
    early = [library.send(ACCOUNT, request()).trigger_id]
    late: list[str] = []

    def come_in(what: str, _done: int, _all: int | None) -> None:
        if what == "copying jobs" and len(early) == 1:
            variant = TemplateVariant(approved=True, text="New", price=Decimal("0.01"))
            template = Template(key="new", channel="sms", currency="USD", variants=(variant,))
            library.catalog.put(ACCOUNT, template)
            early.append(library.send(ACCOUNT, request("new")).trigger_id)
        if what == "copying contacts" and not late:
            series = WorkflowRun(workflow_name="Series", list_name="everyone")
            late.append(library.send(ACCOUNT, request(), idempotency_key="late").trigger_id)
            late.append(library.run(ACCOUNT, series).trigger_id)

    with fresh(clock=clock) as target:
        done = copy(library, target, progress=come_in)
        assert (done.is_sound, done.unsent) == (True, 2)
        worked(target, first := Teller())
        assert {str(trigger.id) for trigger in target.triggers(ACCOUNT).triggers} == {*early}
        assert len(jobs_of(first)) == 10
        for table in ("dispatches", "scheduled_steps", "audiences", "trigger_variables", "idempotency_keys"):
            _, rows = target.store.table(f"select distinct trigger_id from {table}", {})  # noqa: S608
            assert not {str(key) for (key,) in rows} & {*late}
        done = copy(library, target)
        assert (done.is_sound, done.unsent) == (True, 2)
        replayed = target.send(ACCOUNT, request(), idempotency_key="late")
        assert (replayed.trigger_id, replayed.is_replay) == (late[0], True)
        rest = ended(clock, target)
        assert ended(clock, library).handed == []
        assert Counter(jobs_of(first, rest).values()) == {1: 30}
        assert list(target.audit()) == []


def test_what_went_over_can_come_back(library: Library, clock: Clock) -> None:
    """What was handed over, and not sent there either, is handed back and sent, once."""
    library.send(ACCOUNT, request())
    library.run(ACCOUNT, WorkflowRun(workflow_name="Series", list_name="everyone"))
    before = Teller(lambda message: BUSY if message.contact == "user_2" else Accepted(), most=2)
    worked(library, before, 1)
    with fresh(clock=clock) as target:
        assert copy(library, target).unsent == 2
        worked(target, there := Teller(most=2), 1)
        back = copy(target, library)
        assert (back.is_sound, back.unsent) == (True, 2)
        after = ended(clock, library)
        assert before.handed
        assert there.handed
        assert ended(clock, target).handed == []
        assert Counter(jobs_of(before, there, after).values()) == {1: 20}
        assert {trigger.status for trigger in library.triggers(ACCOUNT).triggers} == {"completed"}


def test_a_request_that_came_to_both_is_named(library: Library, clock: Clock) -> None:
    """An idempotency key under which each store was asked for something of its own is refused by its name."""
    with make(clock) as target:
        for each in (library, target):
            each.send(ACCOUNT, request(), idempotency_key="one")
        with pytest.raises(CopyRefused) as caught:
            copy(library, target)
        assert f"account {ACCOUNT}, idempotency key one" in {each.subject for each in caught.value.conflicts}
