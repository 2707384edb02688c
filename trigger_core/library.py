"""The library: facts in, answers out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import chain, count
from math import inf
from os import PathLike
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Self, cast, get_args

from attrs import evolve, field, frozen

import trigger_sql
from trigger_core import _compact, _derive, _keys, _lists, answers, facts
from trigger_core._commit import GroupCommit, Ticket
from trigger_core._heads import Cache, Heads
from trigger_core._ids import storable
from trigger_core._record import Batch
from trigger_core.answers import DirectDetails, Job, JobPage, Trigger, TriggerPage, WorkflowDetails
from trigger_core.errors import (
    FactError,
    FactsRefused,
    IdempotencyInFlight,
    InvalidValue,
    NotFound,
    StoreError,
    StoreUnavailable,
    WrongFlow,
)
from trigger_core.store import Row, Session, Store, open_store, settled

if TYPE_CHECKING:  # what an answer doesn't need is imported when it is first used
    from trigger_core import _audit
    from trigger_core._catalog import Catalog
    from trigger_core._plan import Batch as Planned
    from trigger_core._plan import Known, Submission
    from trigger_core.journal import Progress, Summary
    from trigger_core.sending import EventCounts, Receipt, Request, Send, WorkflowRun

Question = Literal["trigger", "direct", "workflow"]
Details = Literal["direct", "workflow"]
Clock = Callable[[], datetime]

_STRIPES: Final = 4096
_TIDYING: Final = timedelta(hours=1)
_DOCUMENTS: Final = 64 * 1024 * 1024
"""Bytes of documents that are kept at most."""

_FACTS: Final = frozenset(facts.KINDS.values())
_GATHER: Final = 0.01
"""Seconds that planning waits for others who are about to ask: a small part of what it takes, however few ask."""
_JOB_ID: Final = re.compile("[1-9][0-9]{0,9}")
_EVENT: Final = (
    "event_id",
    "type",
    "occurred_at",
    "execution_id",
    "job_id",
    "provider",
    "provider_message_id",
)


@frozen
class Document:
    """A trigger's answer as it goes over the wire.

    Attributes:
        etag: a weak entity tag, a hash of the answer.
        body: the JSON, UTF-8.
    """

    etag: str
    body: bytes


@frozen(eq=False)
class _State:
    """What a trigger's answers follow from; no first contacts where the ledger doesn't know them and nobody asked.

    Attributes:
        answers: those that were made of it; they are frozen, so whoever asks again gets the same.
    """

    account: str
    trigger_id: str
    ledger: _derive.Ledger
    contacts: _derive.Contacts | None
    answers: dict[Question, Any] = field(factory=dict)


@frozen
class Table:
    """What a query answered: its columns' names and its rows."""

    columns: tuple[str, ...]
    rows: list[Row]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def open(store: str | PathLike[str], *, contacts_per_reason: int = 10, clock: Clock = utc_now) -> Library:
    """Opens a store and whatever is recorded there.

    Args:
        store: a path, ``duckdb:///absolute/path``, ``postgresql://user@host/database``, or ``:memory:``.
        contacts_per_reason: how many contacts an answer shows of each filter reason, 0 to 100.
        clock: what time it is, for all that is planned, sent and cancelled; a test travels in time by another one.

    Raises:
        InvalidValue: there is no such kind of store, or ``contacts_per_reason`` is out of bounds.
        StoreInUse: another process has it open.
        StoreTooNew: a newer version of this library wrote it.

    >>> with open(":memory:") as library:
    ...     library.health()
    """
    facts.whole(contacts_per_reason, "contacts_per_reason", 0, 100)
    return Library(open_store(store), contacts_per_reason, clock)


class Library:
    """A store's facts and answers. Safe to share between threads; ``open`` makes one.

    Every answer comes from one consistent state of the store.

    Attributes:
        store: where everything is.
    """

    def __init__(self, store: Store, contacts_per_reason: int = 10, clock: Clock = utc_now) -> None:
        self.store = store
        self._workers: dict[str, Callable[[], None]] = {}  # by id; each is told of news
        self._clock = clock
        self._planning = GroupCommit(self._plan, lambda first, other: True, _GATHER)
        self._guard = Lock()
        self._in_flight: set[tuple[str, str]] = set()
        self._contacts_per_reason = contacts_per_reason
        self._heads = Heads()
        self._commit = GroupCommit(self._write, self._together)
        self._states: Cache[tuple[int, _State]] = Cache(1_000)
        self._documents: Cache[tuple[int, Document]] = Cache(_DOCUMENTS)
        self._writes = [0] * _STRIPES
        self._serials = count(1)
        self._tidied_at: datetime | None = None
        self._access: Cache[tuple[int, float, _keys.Access]] = Cache(10_000)
        self._key_changes = 0
        self._long: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store; what was recorded stays."""
        self.store.close()

    def health(self) -> None:
        """Returns if the store answers.

        Raises:
            StoreUnavailable: it doesn't, now.
            StoreError: it won't.
        """
        self.store.health()

    @cached_property
    def catalog(self) -> Catalog:
        """Contacts, lists, templates, template groups and workflows, in and out."""
        from trigger_core._catalog import Catalog

        return Catalog(self.store, self._now)

    # Recording

    def record(
        self, facts: Iterable[facts.Fact | Mapping[str, object]], *, account: str | None = None
    ) -> None:
        """Records facts, in any order: all of them, durably, or none.

        A fact recorded before, or one that another outranks, changes nothing. Calls of several threads are committed
        together.

        Args:
            facts: what happened, as facts or as the objects that a journal has.
            account: refuse facts about anything of another account.

        Raises:
            FactsRefused: some facts contradict the contract or what is recorded; it names each.
            InvalidValue: ``account`` can't be one.
            StoreUnavailable: nothing was recorded; try again.
        """
        self.store.check()
        if call := _checked(facts, account):
            self._commit.record(call, account)

    def _together(self, first: Ticket, other: Ticket) -> bool:
        """Whether two callers' facts may share a transaction.

        Where others write at the same time, a transaction locks all its jobs at once, so it has one batch.
        """
        return self.store.one_writer or (
            first.account == other.account and first.counts is None and other.counts is None
        )

    def _write(self, tickets: Sequence[Ticket]) -> None:
        batches: list[Batch] = []
        with self._forgetting() as touched:
            settled(lambda: self._write_batches(tickets, batches, touched))
        for batch in batches:
            batch.keep()

    @cached_property
    def _known(self) -> Known:
        from trigger_core._plan import Known

        return Known()

    def _plan(self, tickets: Sequence[Ticket]) -> None:
        from trigger_core import _plan

        now = self._now()
        tidies = self._tidied_at is None or abs(now - self._tidied_at) >= _TIDYING
        batch = _plan.Batch(now)

        def plan() -> None:
            nonlocal batch
            if self._is_recorded(batch):  # the store was lost while it committed
                return
            with self.store.write() as session:
                submissions: list[Submission] = [each for ticket in tickets for each in ticket.work]
                batch = _plan.submit(session, self._known, submissions, now)
                if tidies:
                    _plan.tidy(session, now)

        settled(plan)
        if tidies:
            self._tidied_at = now
        if batch.triggers:
            self._touched(batch.touched)
            self._wake_workers()

    def _is_recorded(self, batch: Planned) -> bool:
        """Whether what was planned is there: all of it or nothing is."""
        if not batch.triggers:
            return False
        with self.store.read() as session:
            return bool(session.rows("trigger_head", trigger_id=batch.triggers[0].trigger_id))

    def _wake_workers(self) -> None:
        for wake in list(self._workers.values()):
            wake()

    @contextmanager
    def _forgetting(self) -> Iterator[set[str]]:
        """Takes the triggers that a write touches, and has their answers read anew once it is over.

        Whatever became of it: an answer that is read anew is never wrong.
        """
        touched: set[str] = set()
        try:
            try:
                yield touched
            finally:
                self._touched(touched)
        except BaseException:  # an interrupt may have come amid the line above
            self._touched(touched)
            raise

    def _touched(self, trigger_ids: Iterable[str]) -> None:
        """Has answers about some triggers read anew."""
        for trigger_id in trigger_ids:
            self._writes[hash(trigger_id) % _STRIPES] = next(self._serials)  # never one that was there

    def _write_batches(self, tickets: Sequence[Ticket], batches: list[Batch], touched: set[str]) -> None:
        account = tickets[0].account
        batches.clear()
        shared = all(ticket.account == account and ticket.counts is None for ticket in tickets)
        with self.store.write() as session:
            for group in [tickets] if shared else [[ticket] for ticket in tickets]:
                lines = chain.from_iterable(enumerate(ticket.work) for ticket in group)
                batch = Batch(session, self._heads, lines, group[0].account)
                batches.append(batch)
                batch.apply()
                touched.update(batch.touched)
                if group[0].counts is not None:
                    group[0].counts = _counts(len(group[0].work), batch)
            self._fold_long(session)

    def _fold_long(self, session: Session) -> None:
        """Folds the ledgers that a reader found long."""
        for key in list(self._long):
            self._long.discard(key)
            _compact.fold(session, *key)

    # Sending

    def send(self, account: str, request: Send, *, idempotency_key: str | None = None) -> Receipt:
        """Sends a template to one contact, to several, or to all on a list, on one channel.

        When it returns, the trigger is recorded durably, and answers; whoever gets nothing is filtered, with a reason.
        A worker sends the rest.

        Args:
            account: the tenant.
            request: what is sent, and to whom.
            idempotency_key: makes it safe to ask again: for 24 hours, the same key with the same request gets the first
                receipt again, and nothing is sent twice.

        Raises:
            InvalidValue: there is no such template or list, or nobody is meant; its ``others`` name the rest.
            IdempotencyMismatch: the key came with another request.
            IdempotencyInFlight: a request with this key is being handled.
            StoreUnavailable: nothing was recorded; try again.
            StoreInDoubt: it may have been recorded. Try again with the same key; without one, that may send twice.
        """
        return self._submit(account, request, idempotency_key)

    def run(self, account: str, request: WorkflowRun, *, idempotency_key: str | None = None) -> Receipt:
        """Runs a workflow for one contact, for several, or for all on a list.

        When it returns, the trigger is recorded durably, and answers. A worker goes through its steps as they fall due,
        or sends a template group's channels side by side.

        Args:
            account: the tenant.
            request: what is run, and for whom.
            idempotency_key: makes it safe to ask again: for 24 hours, the same key with the same request gets the first
                receipt again, and nothing runs twice.

        Raises:
            InvalidValue: there is no such workflow or list, or nobody is meant; its ``others`` name the rest.
            IdempotencyMismatch: the key came with another request.
            IdempotencyInFlight: a request with this key is being handled.
            StoreUnavailable: nothing was recorded; try again.
            StoreInDoubt: it may have been recorded. Try again with the same key; without one, that may send twice.
        """
        return self._submit(account, request, idempotency_key)

    def _submit(self, account: str, request: Request, key: str | None) -> Receipt:
        from trigger_core._plan import Submission

        self.store.check()
        facts.text(account, "account", 200)
        if key is None:
            return self._planned(Submission(account, request))
        place = account, facts.text(key, "idempotency_key", 200)
        with self._guard:
            if place in self._in_flight:
                raise IdempotencyInFlight
            self._in_flight.add(place)
        try:
            return self._planned(Submission(account, request, key))
        finally:
            with self._guard:
                self._in_flight.remove(place)

    def _planned(self, submission: Submission) -> Receipt:
        self._planning.record([submission], submission.account)
        if submission.error is not None:
            raise submission.error
        return cast("Receipt", submission.receipt)

    def _plan_due(self, most: int, trigger_id: str | None = None) -> int:
        """Plans steps of workflows that are due, at most so many, of one run or of all; says how many it planned.

        Raises:
            StoreUnavailable: nothing was planned; try again.
        """
        from trigger_core import _plan

        with self._forgetting() as touched, self.store.write() as session:
            batch = _plan.plan_due(session, self._now(), most, trigger_id)
            touched.update(batch.touched)
        self._wake_workers()
        return len(batch.executions)

    def cancel(self, account: str, trigger_id: str) -> Trigger:
        """Cancels what no sender has taken on yet, at once, and all steps that are still to come.

        What a sender has taken on stays pending until it says how that ended. Cancelling again changes nothing.

        Raises:
            NotFound: the account has no such trigger.
        """
        before = self.trigger(account, trigger_id)
        if before.status not in ("pending", "processing"):
            return before
        self.record([facts.Cancel(trigger_id=before.id, at=self._now())], account=account)
        return self.trigger(account, trigger_id)

    def record_events(self, account: str, events: Iterable[Mapping[str, object]]) -> EventCounts:
        """Records what providers say of messages later: all of the events, durably, or none.

        An event of a job that isn't known yet is kept, and counts as soon as the job is. Unsubscribed and complained
        opt the contact out of the channel.

        Args:
            account: the tenant.
            events: objects with ``event_id``, ``type`` and ``occurred_at``, and the job's ``execution_id`` and
                ``job_id``, or ``provider`` and ``provider_message_id``.

        Raises:
            FactsRefused: some events are not well formed; it names each.
            InvalidValue: ``account`` can't be one.
            StoreUnavailable: nothing was recorded; try again.
        """
        from trigger_core.sending import EventCounts

        self.store.check()
        facts.text(account, "account", 200)
        ticket = Ticket(_events(account, events), account, EventCounts(accepted=0, duplicate=0, unmatched=0))
        if ticket.work:
            self._commit.submit(ticket)
        return cast("EventCounts", ticket.counts)

    def _now(self) -> datetime:
        """The time, as the library's clock has it: UTC, in whole milliseconds."""
        return facts.instant(self._clock(), "clock")

    # Tier 1: summaries

    def trigger(self, account: str, trigger_id: str) -> Trigger:
        """What a trigger is, how far it is, and where its details are.

        Raises:
            NotFound: the account has no such trigger.
        """
        answer: Trigger = self._answer(self._state(account, trigger_id), "trigger")
        return answer

    def direct(self, account: str, trigger_id: str) -> DirectDetails:
        """A direct send's execution, counts and analytics.

        Raises:
            NotFound: the account has no such trigger.
            WrongFlow: it is a workflow's.
        """
        answer: DirectDetails = self._answer(self._state(account, trigger_id, "direct"), "direct")
        return answer

    def workflow(self, account: str, trigger_id: str) -> WorkflowDetails:
        """A workflow run's steps or channels, and their totals.

        Raises:
            NotFound: the account has no such trigger.
            WrongFlow: it is a direct send.
        """
        answer: WorkflowDetails = self._answer(self._state(account, trigger_id, "workflow"), "workflow")
        return answer if answer.channels is None else evolve(answer, channels=dict(answer.channels))

    def document(self, account: str, trigger_id: str, question: Question) -> Document:
        """The JSON of ``trigger``, ``direct`` or ``workflow``, from memory where nothing was recorded since.

        Raises:
            NotFound: the account has no such trigger.
            WrongFlow: its details are another question's.
        """
        self.store.check()
        facts.choice(question, "question", get_args(Question))
        trigger_id = _id(trigger_id)
        key = account, trigger_id, question
        seen = self._writes[hash(trigger_id) % _STRIPES]
        kept = self._documents.get(key)
        if kept is not None and kept[0] == self._version(account, trigger_id):
            return kept[1]
        state = self._state(account, trigger_id, None if question == "trigger" else question)
        answer = self._answer(state, question)
        body = json.dumps(answers.to_json(answer), separators=(",", ":"), ensure_ascii=False).encode()
        document = Document(f'W/"{blake2b(body, digest_size=12).hexdigest()}"', body)
        version = seen if self.store.sees_every_write else state.ledger.version
        self._documents.put(key, (version, document), len(body))
        return document

    def _version(self, account: str, trigger_id: str) -> int | None:
        """What stays the same as long as a trigger's answers do."""
        if self.store.sees_every_write:
            return self._writes[hash(trigger_id) % _STRIPES]
        [(version,)] = self.store.rows("version", account=account, trigger_id=trigger_id)
        return version if version is None else int(version)

    def _state(self, account: str, trigger_id: str, details: Details | None = None) -> _State:
        """What a trigger's answers follow from, of one state of the store, or kept from when it last changed.

        Nothing is kept of a store that others may write to.
        """
        self.store.check()
        key = account, _id(trigger_id)
        seen = self._writes[hash(key[1]) % _STRIPES]
        kept = self._states.get(key) if self.store.sees_every_write else None
        if kept is not None and kept[0] == seen and (details is None or kept[1].contacts is not None):
            _check_flow(kept[1], details)
            return kept[1]
        storable(account)
        most = self._contacts_per_reason
        ledger, long = _derive.ledger(self.store, *key)
        contacts = None if ledger is None else ledger.first_contacts(most)
        if contacts is None and details is not None:
            with self.store.read() as session:
                ledger, long = _derive.ledger(session, *key)
                contacts = None if ledger is None else _derive.first_contacts(session, *key, ledger, most)
        if ledger is None:
            raise NotFound
        state = _State(*key, ledger, contacts)
        _check_flow(state, details)
        if long:
            self._long.add(key)
            with suppress(StoreUnavailable, StoreError), self.store.write(wait=False) as session:
                self._fold_long(session)  # while another writes, that one does it
        if self.store.sees_every_write:
            self._states.put(key, (seen, state))
        return state

    def _answer(self, state: _State, question: Question) -> Any:
        """A state's answer to a question of its flow."""
        answer = state.answers.get(question)
        if answer is None:
            answer = state.answers[question] = self._derived(state, question)
        return answer

    def _derived(self, state: _State, question: Question) -> object:
        ledger, contacts = state.ledger, state.contacts or {}
        if question == "direct":
            currency = self._heads.currency(self.store, state.account)
            return _derive.direct(state.trigger_id, currency, ledger, contacts)
        head = cast(facts.Trigger, self._heads.trigger(self.store, state.trigger_id))
        if question == "trigger":
            return _derive.trigger(head, ledger)
        return _derive.workflow(head, cast(facts.Workflow, head.workflow), ledger, contacts)

    def triggers(
        self,
        account: str,
        *,
        status: str | None = None,
        flow_type: str | None = None,
        trigger_type: str | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> TriggerPage:
        """An account's triggers, newest first.

        A page looks at no more than 10,000 triggers, so with a ``status`` it may be short and still have a
        ``next_cursor``.

        Args:
            account: the tenant.
            status: only those of this status.
            flow_type: only ``direct_channel`` or ``workflow``.
            trigger_type: only ``email``, ``sms``, ``whatsapp`` or ``workflow``.
            created_after: only those made after this time.
            created_before: only those made before this time.
            limit: at most so many, 1 to 200.
            cursor: the ``next_cursor`` of the page before, asked with the same filters.

        Raises:
            InvalidValue: an argument is none of what is allowed.
        """
        facts.text(account, "account", 200)
        filters = _lists.trigger_filters(status, flow_type, trigger_type, created_after, created_before)
        with self.store.read() as session:
            return _lists.triggers(session, self._heads, account, filters, limit, cursor)

    # Tier 2: every contact's fate

    def jobs(
        self,
        account: str,
        execution_id: str,
        *,
        channel: str | None = None,
        status: str | None = None,
        filter_code: str | None = None,
        contact: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> JobPage:
        """An execution's jobs, by job_id.

        Args:
            account: the tenant.
            execution_id: the execution.
            channel: the execution's channel, where the caller knows it.
            status: only ``pending``, ``sent``, ``failed``, ``filtered`` or ``cancelled`` ones.
            filter_code: only those filtered with this code.
            contact: only this contact's.
            limit: at most so many, 1 to 200.
            cursor: the ``next_cursor`` of the page before, asked with the same filters.

        Raises:
            NotFound: the account has no such execution, or it is of another channel.
            InvalidValue: an argument is none of what is allowed.
        """
        filters = _lists.job_filters(status, filter_code, contact)
        with self.store.read() as session:
            return _lists.jobs(
                session, self._heads, account, _id(execution_id), channel, filters, limit, cursor
            )

    def job(self, account: str, execution_id: str, job_id: int, *, channel: str | None = None) -> Job:
        """What became of one contact in one execution.

        Raises:
            NotFound: the account has no such job.
            InvalidValue: ``job_id`` is no number that a job can have.
        """
        facts.whole(job_id, "job_id", 1)
        with self.store.read() as session:
            return _lists.job(session, self._heads, account, _id(execution_id), channel, job_id)

    # Keys

    def create_key(
        self,
        account: str,
        scopes: Iterable[str],
        *,
        test: bool = False,
        expires_at: datetime | str | None = None,
    ) -> _keys.NewKey:
        """Makes an API key; its text is shown this once, only a hash is stored.

        Args:
            account: whose data the key opens; the account comes into being with it.
            scopes: some of ``read``, ``send``, ``events``, ``catalog``.
            test: make a ``sk_test_…`` key instead of a ``sk_live_…``.
            expires_at: when it stops working.

        Raises:
            InvalidValue: an argument is none of what is allowed.
        """
        wanted = tuple(scopes)

        def create() -> _keys.NewKey:
            with self.store.write() as session:
                return _keys.create(session, account, wanted, test, expires_at)

        return settled(create)

    def keys(self, account: str) -> tuple[_keys.Key, ...]:
        """An account's keys, oldest first, with the revoked and expired ones.

        Raises:
            InvalidValue: ``account`` can't be one.
        """
        facts.text(account, "account", 200)
        with self.store.read() as session:
            return _keys.listed(session, account)

    def revoke_key(self, account: str, key_id: str) -> None:
        """Stops a key from working: at once, and within two seconds in other processes.

        Raises:
            NotFound: the account has no such key.
        """
        try:
            with self.store.write() as session:
                _keys.revoke(session, storable(account), _id(key_id))
        finally:  # whatever became of it
            self._key_changes += 1

    def authenticate(self, key: str) -> _keys.Access | None:
        """What a key opens; None if it is wrong, expired or revoked, whichever.

        A key that was good is known without asking: as long as it is good where no other process can revoke it, for two
        seconds elsewhere.
        """
        self.store.check()
        if not _keys.SHAPE.fullmatch(key):
            return None
        digest, changes, now = _keys.digest(key), self._key_changes, monotonic()
        known, until, access = self._access.get(digest) or (-1, now, None)
        if known != changes or until <= now:
            access = _keys.authenticate(self.store, key[: _keys.PREFIX], digest)
            if access is not None:
                until = inf if self.store.sees_every_write else now + _keys.REMEMBERED
                self._access.put(digest, (changes, until, access))
        return None if access is None or access.expired else access

    # Care

    def record_journal(
        self,
        source: str | PathLike[str] | IO[bytes] | IO[str],
        *,
        skip_invalid: bool = False,
        progress: Progress | None = None,
    ) -> Summary:
        """Records a journal, a file or stream of facts, as ``trigger_core.journal.record`` does.

        Raises:
            FactsRefused: lines are invalid, each is named, and ``skip_invalid`` isn't set; nothing was recorded.
            StoreUnavailable: some of it may be recorded; give it again.
        """
        from trigger_core.journal import record

        return record(self, source, skip_invalid=skip_invalid, progress=progress)

    def export(self, account: str, trigger_id: str) -> Iterator[facts.Fact]:
        """Facts that give the same state of a trigger when recorded into another store.

        Raises:
            NotFound: the account has no such trigger.
        """
        from trigger_core.journal import export

        return export(self.store, self._heads, account, _id(trigger_id))

    def audit(self) -> Iterator[_audit.Difference]:
        """Every number of every answer that doesn't follow from the rows; nothing, if all is well."""
        from trigger_core import _audit

        with self.store.read() as session:
            yield from _audit.audit(session)

    def compact(self) -> None:
        """Folds each trigger's ledger to a few rows, so that reading it stays cheap; answers don't change."""
        with self.store.write() as session:
            _compact.compact(session)
        self.store.compacted()

    def snapshot(self, path: str | PathLike[str]) -> None:
        """Writes a consistent copy of the store to a new file, while others read and write.

        Raises:
            InvalidValue: the file is there already.
        """
        self.store.snapshot(str(path))

    def query(self, name: str, parameters: Mapping[str, str]) -> Table:
        """Runs one of the shipped reading queries.

        Args:
            name: the query's, as ``sql/README.md`` lists it.
            parameters: its parameters' values by name, as text.

        Raises:
            InvalidValue: there is no such query, or the parameters aren't its own.
        """
        values = _lists.shipped(name, parameters)
        return Table(*self.store.table(trigger_sql.query(name, self.store.dialect).text, values))


def _checked(call: Iterable[facts.Fact | Mapping[str, object]], account: str | None) -> list[facts.Fact]:
    """The facts of a call; those that came as objects are checked, and all that is wrong is named."""
    if account is not None:
        facts.text(account, "account", 200)
    if isinstance(call, list | tuple) and _FACTS.issuperset(map(type, call)):
        return [*call]
    errors, found = [], []
    for row, fact in enumerate(call):
        if type(fact) in _FACTS:
            found.append(cast(facts.Fact, fact))
            continue
        try:
            found.append(facts.from_json(fact))
        except InvalidValue as error:
            errors += [FactError(row, one.field, one.problem) for one in error.all]
    if errors:
        raise FactsRefused(errors)
    return found


def _events(account: str, events: Iterable[Mapping[str, object]]) -> list[facts.Event]:
    """Events as facts; all that is wrong is named."""
    errors: list[FactError] = []
    found = []
    for row, event in enumerate(events):
        try:
            found.append(_event(account, event))
        except InvalidValue as error:
            errors += [FactError(row, one.field, one.problem) for one in error.all]
    if errors:
        raise FactsRefused(errors)
    return found


def _event(account: str, event: Mapping[str, object]) -> facts.Event:
    if not isinstance(event, Mapping):
        raise InvalidValue("", "must be an object")
    problem = f"is not a known field; known are {', '.join(_EVENT)}"
    wrong = [InvalidValue(str(name), problem) for name in event if name not in _EVENT]
    values: dict[str, object] = {"kind": "event", **{name: event[name] for name in _EVENT if name in event}}
    if "occurred_at" in values:
        values["at"] = values.pop("occurred_at")
    if event.get("provider") is not None or event.get("provider_message_id") is not None:
        values["account"] = account
    if isinstance(job_id := event.get("job_id"), str) and _JOB_ID.fullmatch(job_id):
        values["job_id"] = int(job_id)
    try:
        fact = facts.from_json(values)
        if not wrong:
            return cast(facts.Event, fact)
    except InvalidValue as error:
        for one in error.all:
            one.field = "occurred_at" if one.field == "at" else one.field
            wrong.append(one)
    raise InvalidValue.of(wrong)


def _counts(total: int, batch: Batch) -> EventCounts:
    from trigger_core.sending import EventCounts

    duplicate = total - batch.accepted - batch.unmatched
    return EventCounts(accepted=batch.accepted, duplicate=duplicate, unmatched=batch.unmatched)


def _check_flow(state: _State, details: Details | None) -> None:
    """Fails if a trigger's details are another question's."""
    trigger_type = state.ledger.trigger_type
    if details is not None and (details == "workflow") != (trigger_type == "workflow"):
        raise WrongFlow(_derive.details_endpoint(state.trigger_id, trigger_type))


def _id(value: Any) -> str:
    """A UUID as it is stored; what is none is no one's id."""
    try:
        return facts.uuid(value, "id")
    except InvalidValue:
        raise NotFound from None
