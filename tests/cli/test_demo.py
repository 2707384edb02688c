"""The demo: what it shows, and that it leaves nothing behind."""

import shlex
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import trigger_core
from tests.cli.conftest import Run, fetch, service
from trigger_core.demo import ACCOUNT, Demo, Story
from trigger_core.facts import Execution

NOW = datetime(2025, 11, 23, 10, tzinfo=UTC)
STATUSES = {"pending", "processing", "completed", "failed", "cancelled"}


def curl_lines(said: str) -> list[tuple[str, str]]:
    """The addresses and keys of the curl lines that were printed."""
    found = []
    for line in said.splitlines():
        if line.startswith("curl "):
            words = shlex.split(line)
            assert words[:3] == ["curl", "-s", "-H"]
            name, _, key = words[3].partition(": ")
            assert name == "X-API-Key"
            found.append((words[4], key))
    return found


def test_demo(run: Run, tmp_path: Path) -> None:
    """Every printed curl line answers, other commands reach it, and Ctrl-C leaves nothing behind."""
    with service(
        "demo", "--port", 0, ready="trigger-core audit", stream="stdout", TMPDIR=str(tmp_path)
    ) as running:
        lines = curl_lines(running.said)
        assert len(lines) == 6
        for url, key in lines:
            assert fetch(url, key)
        command = shlex.split(running.said.splitlines()[-1])
        assert run(*command[1:]).out == "no difference\n"
        assert running.stop(signal.SIGINT) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_two_demos(tmp_path: Path) -> None:
    """A second demo takes the next free port."""
    with service("demo", ready="trigger-core audit", stream="stdout", TMPDIR=str(tmp_path)) as first:
        with service("demo", ready="trigger-core audit", stream="stdout", TMPDIR=str(tmp_path)) as second:
            assert first.url != second.url
            assert second.stop(signal.SIGTERM) == (0, "")
        assert first.stop(signal.SIGTERM) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_demo_on_a_store(run: Run, tmp_path: Path) -> None:
    """With --store the data stays and a demo can go on with it; another's store is not touched."""
    store = tmp_path / "demo.duckdb"
    for _ in range(2):
        arguments = ("demo", "--store", store, "--port", 0)
        with service(*arguments, ready="trigger-core audit", stream="stdout") as running:
            assert running.stop() == (0, "")
    assert len(run("keys", "list", "--store", store, "--account", ACCOUNT, "--json").out.splitlines()) == 2
    assert run("keys", "create", "--store", tmp_path / "mine.duckdb", "--account", "acme").code == 0
    refused = run("demo", "--store", tmp_path / "mine.duckdb")
    assert refused.code == 2
    assert "name a new file" in refused.err


def test_story_has_every_flow_in_every_status() -> None:
    """Direct sends, steps and template groups are each there in all five statuses, with a scheduled step."""
    story = Story(NOW)
    story.open()
    with trigger_core.open(":memory:") as library:
        library.record(story.until(NOW))
        found: dict[str, set[str]] = {"direct": set(), "steps": set(), "template_group": set()}
        steps: Counter[str] = Counter()
        contacts = 0
        for trigger in library.triggers(ACCOUNT, limit=200).triggers:
            contacts += trigger.summary.total_contacts
            if trigger.flow_type == "direct_channel":
                found["direct"].add(trigger.status)
            else:
                details = library.workflow(ACCOUNT, trigger.id)
                found[details.workflow_type].add(trigger.status)
                steps.update(step.status for step in details.steps)
        assert found == dict.fromkeys(found, STATUSES)
        assert steps["scheduled"] > 2
        assert contacts > 4000
        direct = library.direct(ACCOUNT, story.examples["direct"])
        assert direct.jobs is not None
        assert len(direct.jobs.filter_reasons) > 5
        assert list(library.audit()) == []


def test_story_goes_on() -> None:
    """Within half a minute the scheduled step is due, jobs are sent, and late events arrive."""
    story = Story(NOW)
    story.open()
    with trigger_core.open(":memory:") as library:
        library.record(story.until(NOW))
        before = library.workflow(ACCOUNT, story.examples["steps"]).steps
        assert [step.status for step in before] == ["completed", "scheduled", "pending"]
        assert before[1].scheduled_for == NOW + timedelta(seconds=20)
        kinds: Counter[str] = Counter()
        for second in range(1, 31):
            facts = story.until(NOW + timedelta(seconds=second))
            kinds.update(fact.kind for fact in facts)
            library.record(facts)
        after = library.workflow(ACCOUNT, story.examples["steps"]).steps
        assert [step.status for step in after] == ["completed", "processing", "scheduled"]
        assert kinds["outcome"] > 50
        assert kinds["event"] > 50
        assert list(library.audit()) == []


def test_story_is_the_seeds() -> None:
    """A seed and a moment make the same facts; another seed makes others."""

    def facts(seed: int) -> list[object]:
        story = Story(NOW, seed)
        story.open()
        story.campaign(30)
        return list(story.until(NOW + timedelta(days=1)))

    assert facts(1) == facts(1)
    assert facts(1) != facts(2)


def test_demo_records_in_the_background() -> None:
    """While the context lasts, what is due is recorded by itself."""
    with (
        trigger_core.open(":memory:") as library,
        Demo(library, now=datetime.now(UTC) - timedelta(seconds=19)) as demo,
    ):
        steps = demo.examples["steps"]
        deadline = time.monotonic() + 60
        while library.workflow(ACCOUNT, steps).steps[1].execution is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_executions_come_when_they_are_due() -> None:
    """An execution of the future is not among the facts of the past."""
    story = Story(NOW)
    story.open()
    known = {fact.execution_id for fact in story.until(NOW) if isinstance(fact, Execution)}
    later = {
        fact.execution_id for fact in story.until(NOW + timedelta(minutes=1)) if isinstance(fact, Execution)
    }
    assert len(later - known) == 1


@pytest.mark.deep
def test_demo_starts_soon(tmp_path: Path) -> None:
    """The demo answers within five seconds."""
    begun = time.monotonic()
    with service("demo", "--port", 0, ready="trigger-core audit", stream="stdout", TMPDIR=str(tmp_path)):
        assert time.monotonic() - begun < 5
