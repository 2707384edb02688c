"""What the hot queries read, by the plans that DuckDB makes for them."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import trigger_core
import trigger_sql
from trigger_core.facts import Attempt, Event, Execution, Fact, Job, Outcome
from trigger_core.testing.contract.samples import (
    DIRECT,
    EXECUTION,
    WORKFLOW,
    direct_trigger,
    workflow_trigger,
)

OTHER = "019ab000-0000-7000-8000-000000000009"

TRIGGER = {"account": "acme", "trigger_id": DIRECT}
SPAN = {**TRIGGER, "execution_id": EXECUTION, "first": 1, "last": 200}
PAGE: dict[str, object] = {
    **TRIGGER,
    "execution_id": EXECUTION,
    "after": 0,
    "unended": "pending",
    "claimed": [],
    "status": None,
    "filter_code": None,
    "contact": None,
    "limit": 51,
}
HOT: Mapping[str, Mapping[str, object]] = {
    "ledger": TRIGGER,
    "ledger_rows": {**TRIGGER, "most": 400},
    "ledgers": {"account": "acme", "trigger_ids": [DIRECT]},
    "version": TRIGGER,
    "filter_contacts": {**TRIGGER, "reasons": ["a"], "contacts": 10},
    "trigger_head": {"trigger_id": DIRECT},
    "execution_head": {"execution_id": EXECUTION},
}


def life(execution_id: str, job_id: int) -> list[Fact]:
    """A job with an attempt, an event and one of two outcomes."""
    target: dict[str, Any] = {"execution_id": execution_id, "job_id": job_id}
    at = datetime(2025, 11, 23, 10, job_id % 60, tzinfo=UTC)
    filtered: dict[str, Any] = {"outcome": "filtered", "code": "a", "reason": "a" if job_id % 4 else "b"}
    sent = {"outcome": "sent", "provider": "ses", "provider_message_id": f"{execution_id} {job_id}"}
    return [
        Job(**target, contact=f"user_{job_id}"),
        Attempt(**target, n=1, at=at),
        Outcome(**target, at=at, **(filtered if job_id % 2 else sent)),
        Event(**target, at=at, event_id=str(job_id), type="delivered" if job_id % 3 else "bounced"),
    ]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a store with some jobs of two triggers."""
    other = Execution(account="acme", trigger_id=WORKFLOW, execution_id=OTHER, channel="email", step_id="one")
    store: Path = tmp_path_factory.mktemp("plans") / "store.duckdb"
    with trigger_core.open(store) as library:
        library.record([*direct_trigger(), workflow_trigger(), other])
        library.record(
            fact
            for execution_id in (EXECUTION, OTHER)
            for job_id in range(1, 500)
            for fact in life(execution_id, job_id)
        )
    with duckdb.connect(store) as opened:
        yield opened


def scanned(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> set[str]:
    """The tables that a query's plan reads."""
    explained = connection.execute(f"explain {trigger_sql.query(query).text}", dict(parameters)).fetchall()[
        0
    ][1]
    tables = set(re.findall(r"Table:\s+(?:\w+\.)*(\w+)", explained))
    assert tables, explained
    return tables


@pytest.mark.parametrize("query", HOT)
def test_summaries_never_read_jobs(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """What a summary is made of has no plan that reads the jobs, their attempts or their events."""
    assert not scanned(connection, query, HOT[query]) & {"jobs", "attempts", "events", "trigger_contacts"}


def test_the_guard_sees_a_scan_of_jobs(connection: duckdb.DuckDBPyConnection) -> None:
    """A query that does read the jobs is noticed."""
    assert "jobs" in scanned(connection, "jobs", PAGE)


@pytest.mark.parametrize(
    ("query", "parameters"), [("jobs", PAGE), ("job_attempts", SPAN), ("job_events", SPAN)]
)
def test_a_page_reads_one_execution(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]
) -> None:
    """The filters that skip other triggers' rows go down into the scan of each table that a page reads."""
    explained = connection.execute(f"explain {trigger_sql.query(query).text}", dict(parameters)).fetchall()[
        0
    ][1]
    scan = explained[explained.index("Filters:") :]
    assert "trigger_id=" in re.sub(r"\s|│", "", scan)
    assert "execution_id=" in re.sub(r"\s|│", "", scan)


def test_a_message_is_found_by_its_key_alone(connection: duckdb.DuckDBPyConnection) -> None:
    """The key is made once for a look-up, and goes down into the scan, which reads no text of ids."""
    message = {"account": "acme", "provider": "ses", "provider_message_id": f"{EXECUTION} 2"}
    text = trigger_sql.query("message_job").text
    plan = re.sub(r"\s|│", "", connection.execute(f"explain {text}", message).fetchall()[0][1])
    assert "message_key='" in plan[plan.index("Filters:") :]
    assert "provider" not in plan
    assert [str(value) for value in connection.execute(text, message).fetchall()[0]] == [
        DIRECT,
        EXECUTION,
        "2",
    ]
