"""The reference's journal goes in, its documents come out: through the library, over HTTP and from a shell."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

import trigger_core
from tests.reference.shell import Shell
from trigger_core import answers, journal
from trigger_core.testing.contract.documents import assert_covers
from trigger_falcon import create_app

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the reference lies outside the project")


def documents() -> Iterator[tuple[str, str, Any]]:
    """Each expected document: its trigger, what is asked, and what must be answered."""
    expected = json.loads((DATA / "reference.expected.json").read_text("utf-8"))
    for trigger_id, asked in expected.items():
        for question, document in asked.items():
            yield trigger_id, {"basic": "trigger"}.get(question, question), document


def shuffled_and_doubled(lines: list[str]) -> list[list[str]]:
    """One file that has every line twice, in another order."""
    twice = [*lines, *lines]
    random.Random(7).shuffle(twice)
    return [twice]


def a_file_per_trigger(lines: list[str]) -> list[list[str]]:
    """Several files, each with the lines about one trigger; events named by their message go with its job."""
    trigger_of: dict[str, str] = {}
    parsed = [json.loads(line) for line in lines]
    for fact in parsed:
        if fact["kind"] == "execution":
            trigger_of[fact["execution_id"]] = fact["trigger_id"]
    for fact in parsed:
        if "execution_id" in fact and "provider_message_id" in fact:
            trigger_of[fact["provider_message_id"]] = trigger_of[fact["execution_id"]]
    files: dict[str, list[str]] = {}
    for line, fact in zip(lines, parsed, strict=True):
        names = (fact.get("trigger_id"), fact.get("execution_id"), fact.get("provider_message_id"))
        trigger_id = next(trigger_of.get(name, name) for name in names if name)
        files.setdefault(trigger_id, []).append(line)
    assert len(files) == 5
    return list(files.values())


@pytest.fixture(
    scope="module",
    params=[lambda lines: [lines], shuffled_and_doubled, a_file_per_trigger],
    ids=["as it is", "shuffled and doubled", "a file per trigger"],
)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store that the reference journal was recorded into."""
    folder = tmp_path_factory.mktemp("reference")
    lines = (DATA / "reference.ndjson").read_text("utf-8").splitlines()
    with trigger_core.open(folder / "store.duckdb") as library:
        for number, some in enumerate(request.param(lines)):
            file = folder / f"{number}.ndjson"
            file.write_text("\n".join(some), "utf-8")
            journal.record(library, file)
        assert list(library.audit()) == []
    return folder / "store.duckdb"


def test_the_library_answers_the_reference(store: Path) -> None:
    """Each document of the reference is what the library answers, as JSON."""
    with trigger_core.open(store) as library:
        for trigger_id, question, expected in documents():
            assert_covers(expected, answers.to_json(getattr(library, question)("acme", trigger_id)))


def test_http_answers_the_reference(store: Path) -> None:
    """Each document of the reference is what its path answers."""
    with trigger_core.open(store) as library:
        client = falcon.testing.TestClient(
            create_app(library), headers={"X-API-Key": library.create_key("acme", ["read"]).key}
        )
        for trigger_id, question, expected in documents():
            path = f"/api/v1/triggers/{trigger_id}" + ("" if question == "trigger" else f"/{question}")
            assert_covers(expected, client.simulate_get(path).json)


def test_a_shell_shows_the_reference(store: Path) -> None:
    """Each document of the reference is what the views show in a DuckDB shell."""
    shell = Shell(store)
    for trigger_id, question, expected in documents():
        assert_covers(without_absent(expected), without_absent(shell.document(trigger_id, question)))


def without_absent(value: Any) -> Any:
    """A document without the members that are null: a shell's columns are there for every row."""
    if isinstance(value, dict):
        return {name: without_absent(item) for name, item in value.items() if item is not None}
    return [without_absent(item) for item in value] if isinstance(value, list) else value
