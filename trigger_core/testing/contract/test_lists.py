"""Lists: pages that are stable, complete and in order, and keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trigger_core import Library
from trigger_core.testing.contract.stories import story

STORIES = range(7)
STATUSES = ("pending", "sent", "failed", "filtered", "cancelled")


@pytest.fixture
def told(library: Library) -> Library:
    """A store with a few triggers of every kind."""
    for number in STORIES:
        for call in story(number, 15, 1):
            library.record(call)
    return library


def jobs(library: Library, execution_id: str, limit: int, **filters: Any) -> Iterator[int]:
    """The job_ids of all pages, each of which says how many there are in all."""
    cursor, total, count = None, None, 0
    while True:
        page = library.jobs("acme", execution_id, limit=limit, cursor=cursor, **filters)
        assert total in (None, page.pagination.total)
        total, cursor = page.pagination.total, page.pagination.next_cursor
        count += len(page.jobs)
        yield from (job.job_id for job in page.jobs)
        if cursor is None:
            assert count == total
            return


def test_pages_are_the_whole_list(told: Library) -> None:
    """However long pages are, together they are the list; filters part it, and rows that come meanwhile fit in."""
    for number in STORIES:
        execution_id = f"019ab000-{number:04x}-7000-8000-000000007000"
        whole = list(jobs(told, execution_id, 200))
        assert whole == list(range(1, 16))
        parts = [list(jobs(told, execution_id, 4, status=status)) for status in STATUSES]
        assert sorted(job_id for part in parts for job_id in part) == whole
        for limit in (1, 4, 15):
            assert list(jobs(told, execution_id, limit)) == whole
        assert list(jobs(told, execution_id, 5, contact="user_7")) == [7]
    expected = [one.id for one in told.triggers("acme", limit=200).triggers]
    assert len(expected) == len(STORIES)
    found, cursor = [], None
    while True:
        page = told.triggers("acme", limit=2, cursor=cursor)
        found += [one.id for one in page.triggers]
        if (cursor := page.pagination.next_cursor) is None:
            break
    assert found == expected
    flows = (told.triggers("acme", flow_type=kind).triggers for kind in ("direct_channel", "workflow"))
    assert {one.id for flow in flows for one in flow} == set(expected)
    assert told.triggers("globex").triggers == ()


def test_keys_open_what_they_were_made_for(library: Library) -> None:
    """A key opens its account for its scopes; one that is revoked, expired or made up opens nothing."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    reading, sending = (library.create_key("acme", scopes) for scopes in (["read"], ["send", "events"]))
    old = library.create_key("acme", ["read"], expires_at=past)
    theirs = library.create_key("globex", ["read"], test=True)
    for key, account, scopes in (
        (reading, "acme", {"read"}), (sending, "acme", {"send", "events"}), (theirs, "globex", {"read"})
    ):  # fmt: skip
        access = library.authenticate(key.key)
        assert access is not None
        assert (access.account, set(access.scopes)) == (account, scopes)
    assert library.authenticate(old.key) is None
    assert library.authenticate(f"{reading.key[:-1]}{'0' if reading.key[-1] != '0' else '1'}") is None
    library.revoke_key("acme", reading.key_id)
    assert library.authenticate(reading.key) is None
    assert [key.key_id for key in library.keys("acme")] == [reading.key_id, sending.key_id, old.key_id]
