"""What PostgreSQL as a store has to keep to, beyond what every store has to."""

import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from threading import Event, Thread, current_thread
from time import sleep
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

import trigger_core
from tests.store import openers
from tests.store.full_disk import full
from trigger_core._heads import Heads
from trigger_core._record import Batch
from trigger_core.copying import copy
from trigger_core.errors import FactsRefused, InvalidValue, StoreUnavailable
from trigger_core.facts import Cancel, Fact, Outcome
from trigger_core.testing.contract.samples import DIRECT, EXECUTION, direct_trigger, jobs, outcome
from trigger_core.testing.contract.sending.test_worker import counts, execution_id, send
from trigger_core.testing.contract.sending.world import Teller, fill
from trigger_core.testing.contract.test_concurrency import run_all
from trigger_core.worker import Worker
from trigger_postgres import _store

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "in_processes", [pytest.param(False, id="short"), pytest.param(True, id="long", marks=pytest.mark.deep)]
)
def test_one_makes_the_tables_while_the_others_wait(postgres_url: str, in_processes: bool) -> None:
    """Of many that come at once, to an empty database or to an older one, each can use it and one has changed it."""
    if in_processes:
        subprocess.run([sys.executable, "-m", "tests.store.openers", postgres_url], cwd=ROOT, check=True)
    else:
        for newer in (False, True):
            with openers.library(newer=newer):
                run_all([lambda: openers.use(postgres_url)] * openers.MANY)
    with psycopg.connect(postgres_url) as connection:
        versions = connection.execute("select version from schema_version order by version").fetchall()
        assert versions == [(number,) for number in range(1, len(versions) + 1)]
        assert connection.execute("select n from added").fetchall() == [(1,)]
        assert connection.execute("select count(*) from triggers").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "address", ["u:secret@h/x?colour=red", "u:secret@[::1/x", "u:secret@h/%zz", "a b:secret@h/x"]
)
def test_what_is_no_url_is_refused(address: str) -> None:
    """A URL that libpq can't read is the caller's to correct; what is said of it tells no password."""
    with pytest.raises(InvalidValue, match="store: must be a URL") as caught:
        trigger_core.open(f"postgresql://{address}")
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_why_nobody_is_let_in_is_said(postgres_url: str) -> None:
    """A database that isn't there, or a role that isn't known, is named to whoever opens the store."""
    url = urlsplit(postgres_url)
    missing, stranger = (
        url._replace(path="/nowhere"),
        url._replace(netloc=f"nobody:secret@{url.hostname}:{url.port}"),
    )
    for wrong, why in ((missing, '"nowhere"'), (stranger, '"nobody"')):
        with pytest.raises(StoreUnavailable, match=why) as caught:
            trigger_core.open(urlunsplit(wrong))
        assert "secret" not in str(caught.value)


def test_one_database_is_copied_into_itself_by_no_spelling(postgres_url: str) -> None:
    """Its addresses are many; two schemas of it are two stores, though they have the same address but for options."""
    url = urlsplit(postgres_url)
    schema = postgres_url + "?options=-csearch_path%3Dtheirs"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create schema theirs")
    with trigger_core.open(postgres_url) as library, trigger_core.open(schema) as theirs:
        library.record(direct_trigger())
        for spelling in (
            postgres_url + "?application_name=copy",
            urlunsplit(url._replace(netloc=url.netloc.replace("127.0.0.1", "localhost"))),
        ):
            with trigger_core.open(spelling) as again, pytest.raises(InvalidValue, match="another store"):
                copy(library, again)
        assert copy(library, theirs).triggers == 1
        assert theirs.trigger("acme", DIRECT).status == library.trigger("acme", DIRECT).status


def test_a_worker_waits_for_what_others_hold(postgres_url: str) -> None:
    """What another transaction has locked is left for later: a worker looks again after a while, and can be stopped."""
    with trigger_core.open(postgres_url) as library, psycopg.connect(postgres_url) as connection:
        fill(library)
        send(library, contact_external_id="user_1")
        sender = Teller()
        with Worker(library, {"sms": sender}) as worker:
            connection.execute("select 1 from dispatches for update")
            assert (worker.turn(), sender.handed) == (0, [])
            connection.rollback()
            assert worker.turn() == 1


def test_a_row_that_moved_meanwhile_gets_its_outcome(postgres_url: str) -> None:
    """Who waits for a job that another changes otherwise records its outcome all the same, and counts it once."""
    with trigger_core.open(postgres_url) as library, psycopg.connect(postgres_url) as connection:
        library.record([*direct_trigger(), *jobs(1, 4)])
        connection.execute("update jobs set variables = '{}' where job_id = 2")
        told = [outcome(number, "sent", segments=1) for number in range(1, 5)]
        writer = Thread(target=library.record, args=(told,))
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        connection.commit()
        writer.join()
        found = library.direct("acme", DIRECT).jobs
        assert found is not None
        assert found.sent == 4
        assert list(library.audit()) == []


def test_a_cancel_that_comes_while_an_outcome_waits_counts_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker has in hand of a cancelled trigger is one less with each outcome, whoever was there first."""
    looked, go_on = Event(), Event()
    found: list[dict[str, int]] = []
    guard = _store._Session.guard

    def slow(session: _store._Session, query: str, **parameters: object) -> None:
        guard(session, query, **parameters)
        if current_thread() is writer and query == "claims_lock":
            looked.set()
            go_on.wait(10)

    def cancelled(_: object) -> None:
        with other.store.write() as session:
            facts = [Cancel(trigger_id=trigger_id, at=datetime.now(UTC))]
            Batch(session, Heads(), enumerate(facts), None).apply()
            go_on.set()
            writer.join(0.3)
            assert writer.is_alive()
        writer.join()
        found.append(counts(other, trigger_id))

    with trigger_core.open(postgres_url) as library, trigger_core.open(postgres_url) as other:
        fill(library)
        trigger_id = send(library)
        told = Outcome(
            execution_id=execution_id(library, trigger_id), job_id=1, outcome="sent", at=datetime.now(UTC)
        )
        writer = Thread(target=library.record, args=([told],))
        monkeypatch.setattr(_store._Session, "guard", slow)
        writer.start()
        assert looked.wait(10)
        with Worker(other, {"sms": Teller(most=2, before=cancelled)}) as worker:
            worker.turn()
        assert found[0] == {"sent": 1, "pending": 1, "cancelled": 3}
        assert counts(other, trigger_id) == {"sent": 2, "cancelled": 3}
        assert list(library.audit()) == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_who_names_a_job_that_is_being_added_waits(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    """Outcomes of jobs that another adds, and of such as he has locked, come after him: neither has to try again."""
    added, go_on = Event(), Event()
    run, append, tries = _store._Session.run, _store._Session.append, []

    def slow(session: _store._Session, query: str, **parameters: object) -> None:
        run(session, query, **parameters)
        if current_thread() is adder and query == "jobs_insert":
            added.set()
            assert go_on.wait(10)
            if not is_kept:
                raise InvalidValue("job_id", "is not kept")

    def counted(session: _store._Session, table: str, rows: Sequence[Sequence[object]]) -> None:
        tries.append(table)
        append(session, table, rows)

    with trigger_core.open(postgres_url) as library, trigger_core.open(postgres_url) as other:
        library.record([*direct_trigger(), *jobs(1, 1)])
        told: list[BaseException] = []

        def record(facts: Sequence[Fact]) -> None:
            try:
                (library if current_thread() is adder else other).record(facts)
            except (FactsRefused, InvalidValue) as error:
                told.append(error)

        adder = Thread(target=record, args=([*jobs(2, 2), outcome(1, "sent", segments=1)],))
        teller = Thread(target=record, args=([outcome(1, "failed"), outcome(2, "sent", segments=1)],))
        monkeypatch.setattr(_store._Session, "run", slow)
        monkeypatch.setattr(_store._Session, "append", counted)
        adder.start()
        assert added.wait(10)
        teller.start()
        teller.join(0.3)
        assert teller.is_alive()
        go_on.set()
        adder.join()
        teller.join()
        assert tries.count("staged_outcomes") == 2
        assert [type(error) for error in told] == ([] if is_kept else [InvalidValue, FactsRefused])
        with psycopg.connect(postgres_url) as connection:
            found = connection.execute(
                "select contact, sent_at is not null from jobs order by job_id"
            ).fetchall()
        assert found == ([("user_1", True), ("user_2", True)] if is_kept else [("user_1", False)])
        assert list(library.audit()) == []


def test_a_process_may_have_thousands_of_files_open(postgres_url: str) -> None:
    """A connection whose descriptor has a high number is as good as any."""
    limit, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (min(most, 4096), most))
    try:
        with ExitStack() as stack:
            while stack.enter_context(open(os.devnull)).fileno() < 1100:
                pass
            with trigger_core.open(postgres_url) as library:
                library.record(direct_trigger())
                assert library.trigger("acme", DIRECT).id == DIRECT
    finally:
        setrlimit(RLIMIT_NOFILE, (limit, most))


def test_a_snapshot_that_does_not_fit_is_none(postgres_url: str, tmp_path: Path) -> None:
    """Where there is room for the copy's log but not for the file as well, nothing is left; with room it is whole."""
    with trigger_core.open(postgres_url) as library:
        library.record([*direct_trigger(), *jobs(1, 100)])
        with full(room=200_000), pytest.raises(StoreUnavailable):
            library.snapshot(tmp_path / "copy.duckdb")
        assert list(tmp_path.iterdir()) == []
        library.snapshot(tmp_path / "copy.duckdb")
    with trigger_core.open(tmp_path / "copy.duckdb") as copied:
        assert copied.jobs("acme", EXECUTION).pagination.total == 100


def test_what_passes_is_worth_another_try(postgres_url: str) -> None:
    """A server that may only be read, or a transaction that took too long, is no reason to give anything up."""
    with trigger_core.open(postgres_url) as library:

        def write(setting: str) -> None:
            with library.store.write() as session:
                cast("Any", session)._connection.execute(setting)
                sleep(0.2)
                session.append("accounts", [("acme", None)])

        for setting in (
            "set transaction read only",
            "set local idle_in_transaction_session_timeout = '50ms'",
        ):
            with pytest.raises(StoreUnavailable):
                write(setting)
            library.record(direct_trigger())
        assert library.trigger("acme", DIRECT).id == DIRECT


def test_only_who_writes_must_hurry(postgres_url: str) -> None:
    """A reader may take his time over what he reads; who hangs amid a write doesn't hold its locks for good."""
    shown = "select current_setting('idle_in_transaction_session_timeout')"
    with trigger_core.open(postgres_url) as library:
        assert library.store.table(shown, {})[1] == [("0",)]
        with library.store.write() as session:
            assert cast("Any", session)._connection.execute(shown).fetchall() == [("1min",)]


def test_a_url_says_how_the_server_is_reached(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves open is set so that a silent server is noticed, and texts are UTF-8 whatever is usual there."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with trigger_core.open(f"{postgres_url}?keepalives_idle=7") as library, library.store.write() as session:
        info = cast("Any", session)._connection.info
        assert info.encoding == "utf-8"
        said = info.get_parameters()
        assert (said["keepalives_idle"], said["keepalives_count"], said["tcp_user_timeout"]) == (
            "7",
            "3",
            "30000",
        )
