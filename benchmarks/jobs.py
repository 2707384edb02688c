"""``Library.jobs``: pages of an execution of very many jobs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times
from trigger_core import _lists


def run(ground: Ground) -> Iterator[Figure]:
    """Holds pages against each other, and a page against its query alone."""
    big, pace = ground.sample.big, ground.sizes.pace
    with ground.library() as library:
        first = partial(library.jobs, ACCOUNT, big.execution_id)
        last = partial(first, cursor=_cursor(big.execution_id, big.jobs - 50))
        assert [job.job_id for job in last().jobs] == list(range(big.jobs - 49, big.jobs + 1))
        alone = {
            "account": ACCOUNT,
            "trigger_id": big.trigger_id,
            "execution_id": big.execution_id,
            "after": "0",
            "unended": "pending",
            "status": "null",
            "filter_code": "null",
            "contact": "null",
            "limit": "51",
        }
        for name, subject, floor in (
            (f"the last page of {big.jobs:,} jobs ÷ the first", last, first),
            ("the first page of those filtered ÷ of all", partial(first, status="filtered"), first),
            ("the first page ÷ its query alone", first, lambda: library.query("jobs", alone)),
        ):
            yield figure("jobs", name, times(subject, floor, pace))


def _cursor(execution_id: str, after: int) -> str:
    """The cursor of the page behind a job; to get there page by page would take a while."""
    return _lists._cursor([after], ["jobs", ACCOUNT, execution_id, _lists.job_filters(None, None, None)])
