"""The analysts' views say what the library answers and what the model works out."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from trigger_core import Library, answers, facts
from trigger_core.testing.contract.model import EVENT_TIMES, Document, Model
from trigger_core.testing.contract.samples import EXAMPLE
from trigger_core.testing.contract.stores import fresh
from trigger_core.testing.contract.strategies import History, facts_of, histories

Rows = dict[tuple[Any, ...], dict[str, Any]]

ENDED = ("sent", "failed", "filtered", "cancelled")
STATUSES = (*ENDED, "pending")
JOB_COLUMNS = (
    "status",
    "filter_reason",
    "filter_code",
    "attempts",
    "next_attempt_at",
    "provider",
    "provider_message_id",
    "segments",
    "currency",
    *(f"{outcome}_at" for outcome in ENDED),
    *EVENT_TIMES.values(),
)


def view(library: Library, name: str, *keys: str) -> Rows:
    """A view's rows by their key, with values as JSON has them."""
    columns, rows = library.store.table(f"select * from {name}", {})  # noqa: S608
    found = [dict(zip(columns, map(plain, row), strict=True)) for row in rows]
    by_key = {tuple(row[key] for key in keys): row for row in found}
    assert len(by_key) == len(found), f"{name} repeats a key"
    return by_key


def plain(value: Any) -> Any:
    """A column's value as an answer's JSON has it."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return facts.iso(value)
        case Decimal():
            return float(value)
        case list():
            return [plain(item) for item in value]
        case _:
            return str(value)


class Answers:
    """What one side says about every trigger of a history, as JSON."""

    def __init__(self) -> None:
        self.triggers: dict[str, Document] = {}
        self.details: dict[str, Document] = {}
        self.jobs: dict[str, list[Document]] = {}

    def executions(self, trigger_id: str) -> dict[str, tuple[str, Document]]:
        """A trigger's recorded executions: by id, the channel and the members that answers have of one."""
        details = self.details[trigger_id]
        if "channel" in details:
            members = [(details["channel"], details)]
        elif details["steps"]:
            members = [(step["channel"], step) for step in details["steps"]]
        else:
            members = list(details["channels"].items())
        return {each["execution"]["id"]: (channel, each) for channel, each in members if each["execution"]}


def of_model(history: History) -> Answers:
    """The model's answers."""
    model, said = Model(), Answers()
    for call in history:
        model.record(call)
    for key in model.trigger_ids():
        said.triggers[key] = model.trigger(key)
        said.details[key] = model.direct(key) or model.workflow(key) or {}
        for execution_id in model.execution_ids(key):
            said.jobs[execution_id] = model.jobs(execution_id)
    return said


def of_library(library: Library, accounts: Mapping[str, str]) -> Answers:
    """The library's answers about triggers, whose accounts are given."""
    said = Answers()
    for key, account in accounts.items():
        summary = library.trigger(account, key)
        said.triggers[key] = answers.to_json(summary)
        details = library.direct if summary.flow_type == "direct_channel" else library.workflow
        said.details[key] = answers.to_json(details(account, key))
        for execution_id in said.executions(key):
            page = library.jobs(account, execution_id, limit=200)
            assert page.pagination.next_cursor is None
            said.jobs[execution_id] = [answers.to_json(job) for job in page.jobs]
    return said


def assert_rows(expected: Rows, actual: Rows) -> None:
    """Fails unless both have the same keys, and the actual rows all that the expected ones name."""
    assert expected.keys() == actual.keys()
    for key, row in expected.items():
        assert row == {name: actual[key][name] for name in row}, key


def job_rows(said: Answers) -> Rows:
    """What `job_states` has to say."""
    rows: Rows = {}
    for execution_id, jobs in said.jobs.items():
        for job in jobs:
            rows[execution_id, int(job["job_id"])] = {
                **{name: job[name] for name in JOB_COLUMNS},
                "contact": job["contact_external_id"],
                "address": job["email"] if "email" in job else job["phone_number"],
                "cost": job["cost"],
                "error_code": job["error"] and job["error"]["code"],
                "error_message": job["error"] and job["error"]["message"],
            }
    return rows


def reason_rows(said: Answers) -> Rows:
    """What `filter_reasons` has to say."""
    contacts = defaultdict(list)
    for execution_id, jobs in said.jobs.items():
        for job in jobs:
            if job["status"] == "filtered":
                address = job["email"] if "email" in job else job["phone_number"]
                contacts[execution_id, job["filter_reason"]].append(address or job["contact_external_id"])
    return {
        key: {"count": len(each), "contacts": each[:10], "contacts_truncated": len(each) > 10}
        for key, each in contacts.items()
    }


def execution_row(channel: str, members: Document, jobs: Iterable[Document]) -> dict[str, Any]:
    """What `execution_counts` has to say of one execution."""
    events = Counter(name for job in jobs for name in EVENT_TIMES.values() if job[name] is not None)
    named = {name: events[time] for name, time in EVENT_TIMES.items()}
    named["delivery_failed"] = named.pop("failed")
    sent = [job for job in jobs if job["status"] == "sent"]
    execution = members["execution"]
    return {
        "channel": channel,
        "status": execution["status"],
        "total": execution["total_contacts"],
        **{status: members["jobs"][status] for status in STATUSES},
        "segments": sum(job["segments"] or 0 for job in sent),
        "cost": execution["estimated_cost"],
        "currency": execution["currency"],
        "started_at": execution["started_at"],
        "completed_at": execution["completed_at"],
        **named,
    }


def execution_rows(said: Answers) -> Rows:
    """What `execution_counts` has to say."""
    return {
        (execution_id,): execution_row(channel, members, said.jobs[execution_id])
        for trigger_id in said.triggers
        for execution_id, (channel, members) in said.executions(trigger_id).items()
    }


def trigger_rows(said: Answers) -> Rows:
    """What `trigger_status` has to say."""
    rows: Rows = {}
    for trigger_id, document in said.triggers.items():
        members = [each for _, each in said.executions(trigger_id).values()]
        copied = ("status", "created_at", "started_at", "completed_at", "scheduled_at", "duration_seconds")
        totals = said.details[trigger_id].get("totals", {})
        costs = [Decimal(str(each["execution"]["estimated_cost"])) for each in members]
        rows[trigger_id,] = {
            **{name: document[name] for name in ("flow_type", "trigger_type", "campaign_name", *copied)},
            "total_contacts": document["summary"]["total_contacts"],
            **{status: sum(each["jobs"][status] for each in members) for status in STATUSES},
            "total_cost": totals.get("total_cost", float(sum(costs, Decimal(0)))),
            **{
                f"{kind}_{name}": totals.get(f"{kind}_{name}")
                for kind in ("steps", "channels")
                for name in ("completed", "total")
            },
        }
    return rows


def step_rows(said: Answers, cancelled: set[str]) -> Rows:
    """What `step_status` has to say; channels that are still to come wait, unless there was a cancel."""
    rows: Rows = {}
    for trigger_id, details in said.details.items():
        for step in details.get("steps", ()):
            rows[trigger_id, step["step_id"], step["channel"]] = {
                **{name: step[name] for name in ("step_order", "step_name", "status", "delay_minutes")},
                "scheduled_for": step.get("scheduled_for"),
                "execution_id": step["execution"] and step["execution"]["id"],
            }
        for channel, members in details.get("channels", {}).items():
            to_come = "cancelled" if trigger_id in cancelled else "pending"
            execution = members["execution"]
            rows[trigger_id, None, channel] = {
                "status": execution["status"] if execution else to_come,
                "scheduled_for": None,
                "execution_id": execution and execution["id"],
            }
    return rows


def views_agree(history: History) -> None:
    """Hold every view against the model and the library."""
    triggers = [fact for fact in facts_of(history) if fact["kind"] == "trigger"]
    accounts = {fact["trigger_id"]: fact["account"] for fact in triggers}
    cancelled = {fact["trigger_id"] for fact in facts_of(history) if fact["kind"] == "cancel"}
    with fresh() as library:
        for call in history:
            library.record([facts.from_json(fact) for fact in call])
        found = {
            "triggers": view(library, "trigger_status", "trigger_id"),
            "executions": view(library, "execution_counts", "execution_id"),
            "steps": view(library, "step_status", "trigger_id", "step_id", "channel"),
            "reasons": view(library, "filter_reasons", "execution_id", "reason"),
            "jobs": view(library, "job_states", "execution_id", "job_id"),
        }
        assert {row["account"] for rows in found.values() for row in rows.values()} <= set(accounts.values())
        for said in (of_model(history), of_library(library, accounts)):
            assert_rows(job_rows(said), found["jobs"])
            assert_rows(reason_rows(said), found["reasons"])
            assert_rows(execution_rows(said), found["executions"])
            assert_rows(trigger_rows(said), found["triggers"])
            assert_rows(step_rows(said, cancelled), found["steps"])


def test_views_agree_on_the_example() -> None:
    """Every view equals what the model and the library say of the example, where each flow and status occurs."""
    views_agree([[json.loads(line) for line in EXAMPLE.read_text("utf-8").splitlines()]])


@pytest.mark.parametrize("count", [10, 11])
def test_contacts_are_cut_at_ten(count: int) -> None:
    """Ten contacts of a reason are all of them, of eleven the list says that it was cut."""
    facts_about_sms = [json.loads(line) for line in EXAMPLE.read_text("utf-8").splitlines()[:5]]
    job, outcome = facts_about_sms[3:]
    more = [fact | {"job_id": number} for number in range(2, count + 1) for fact in (job, outcome)]
    views_agree([facts_about_sms, more])


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_views_agree(history: History) -> None:
    """Every view equals what the model and the library say, whatever was recorded in whatever order."""
    views_agree(history)


@pytest.mark.deep
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_views_agree_deep(history: History) -> None:
    """Every view equals what the model and the library say, for many more histories."""
    views_agree(history)
