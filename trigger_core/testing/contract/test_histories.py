"""Random histories: the library answers what the naive model answers."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import trigger_core
from trigger_core import answers
from trigger_core.testing.contract.documents import assert_covers
from trigger_core.testing.contract.model import Model
from trigger_core.testing.contract.stores import fresh
from trigger_core.testing.contract.strategies import histories


def answers_of(library: trigger_core.Library, history: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Every document about every trigger and execution that a history names."""
    found: dict[str, Any] = {}
    for call in history:
        for fact in call:
            if fact["kind"] == "trigger":
                account, trigger_id = fact["account"], fact["trigger_id"]
                details = "direct" if fact["flow_type"] == "direct_channel" else "workflow"
                for question in ("trigger", details):
                    body = library.document(account, trigger_id, question).body  # type: ignore[arg-type]
                    found[f"{question} {trigger_id}"] = json.loads(body)
            elif fact["kind"] == "execution":
                page = library.jobs(fact["account"], fact["execution_id"], limit=200)
                found[f"jobs {fact['execution_id']}"] = answers.to_json(page.jobs)
    return found


def model_answers(model: Model, history: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """The same of the model."""
    found: dict[str, Any] = {}
    for call in history:
        for fact in call:
            if fact["kind"] == "trigger":
                details = "direct" if fact["flow_type"] == "direct_channel" else "workflow"
                for question in ("trigger", details):
                    found[f"{question} {fact['trigger_id']}"] = getattr(model, question)(fact["trigger_id"])
            elif fact["kind"] == "execution":
                found[f"jobs {fact['execution_id']}"] = model.jobs(fact["execution_id"])
    return found


@pytest.mark.parametrize(
    "examples", [pytest.param(5, id="short"), pytest.param(1000, id="long", marks=pytest.mark.deep)]
)
def test_library_answers_what_the_model_answers(examples: int) -> None:
    """After every call each document equals the naive model's, the counts add up, and the audit is empty."""
    seen = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    seen(given(history=histories())(compare))()


def compare(history: list[list[dict[str, Any]]]) -> None:
    """Records a history call by call, and holds every answer against the model's."""
    model = Model()
    with fresh() as library:
        for number in range(1, len(history) + 1):
            library.record(history[number - 1])
            model.record(history[number - 1])
            found = answers_of(library, history[:number])
            for name, expected in model_answers(model, history[:number]).items():
                assert_covers(expected, found[name])
            for jobs in job_counts(found):
                ended = jobs["sent"] + jobs["failed"] + jobs["filtered"] + jobs["cancelled"]
                assert jobs["total"] == ended + jobs["pending"]
            assert list(library.audit()) == []


def job_counts(found: Any) -> list[dict[str, Any]]:
    """Every ``jobs`` object in some documents."""
    if isinstance(found, list):
        return [jobs for item in found for jobs in job_counts(item)]
    if not isinstance(found, dict):
        return []
    here = [found["jobs"]] if isinstance(found.get("jobs"), dict) else []
    return here + [jobs for item in found.values() for jobs in job_counts(item)]
