"""What the drawn histories promise, held against the model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from trigger_core.testing.contract.model import Document, Model, Refused
from trigger_core.testing.contract.strategies import (
    Contradiction,
    History,
    contradictions,
    histories,
    orderings,
)


def documents(model: Model) -> dict[str, list[Document | list[Document] | None]]:
    """Everything that the model can say."""
    return {
        trigger_id: [
            model.trigger(trigger_id),
            model.direct(trigger_id),
            model.workflow(trigger_id),
            *(model.jobs(execution_id) for execution_id in model.execution_ids(trigger_id)),
        ]
        for trigger_id in model.trigger_ids()
    }


def recorded(history: History) -> Model:
    model = Model()
    for call in history:
        model.record(call)
    return model


def job_counts(model: Model) -> list[Document]:
    """Every jobs object that is not null."""
    found = []
    for trigger_id in model.trigger_ids():
        details = model.direct(trigger_id) or model.workflow(trigger_id) or {}
        found += [details, *details.get("steps", []), *details.get("channels", {}).values()]
    return [details["jobs"] for details in found if details.get("jobs") is not None]


@settings(max_examples=40)
@given(histories())
def test_jobs_add_up_after_each_call(history: History) -> None:
    """Every history is accepted, and after each of its calls the counts of each execution give its total."""
    model = Model()
    for call in history:
        model.record(call)
        for jobs in job_counts(model):
            parts = ("sent", "failed", "filtered", "cancelled", "pending")
            assert jobs["total"] == sum(jobs[part] for part in parts)


@settings(max_examples=40)
@given(st.data(), histories())
def test_order_and_repetition_change_nothing(data: DataObject, history: History) -> None:
    """Two arrangements of one set of facts lead to the same documents."""
    other = data.draw(orderings(history))
    assert documents(recorded(other)) == documents(recorded(history))


@settings(max_examples=40)
@given(contradictions())
def test_contradictions_are_refused(contradiction: Contradiction) -> None:
    """A contradicting fact is refused by the name of its field, and leaves no trace."""
    history, fact, name = contradiction
    model = recorded(history)
    before = documents(model)
    with pytest.raises(Refused) as refused:
        model.record([fact])
    assert refused.value.errors == [(0, name)]
    assert documents(model) == before
