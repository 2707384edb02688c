"""``Library.jobs`` and ``Library.job``: pages of an execution of very many jobs, and one job of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times
from trigger_core import _lists


def run(ground: Ground) -> Iterator[Figure]:
    """Holds pages against each other, and against their query alone."""
    sample, pace = ground.sample, ground.sizes.pace
    big, middle = sample.big, sample.middle
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
            "claimed": "",
            "status": "null",
            "filter_code": "null",
            "contact": "null",
            "limit": "51",
        }
        for name, subject, floor in (
            (
                f"the first page of {big.jobs:,} jobs ÷ of {middle.jobs:,}",
                first,
                partial(library.jobs, ACCOUNT, middle.execution_id),
            ),
            (f"the last page of {big.jobs:,} jobs ÷ the first", last, first),
            ("the first page of those filtered ÷ of all", partial(first, status="filtered"), first),
            ("the first page ÷ its query alone", first, partial(library.query, "jobs", alone)),
            (
                f"one of {big.jobs:,} jobs ÷ an execution's only one",
                partial(library.job, ACCOUNT, big.execution_id, big.jobs // 3),
                partial(library.job, ACCOUNT, sample.sent.execution_id, 1),
            ),
        ):
            yield figure("jobs", name, times(subject, floor, pace))


def _cursor(execution_id: str, after: int) -> str:
    """The cursor of the page behind a job; to get there page by page would take a while."""
    return _lists._cursor([after], ["jobs", ACCOUNT, execution_id, _lists.job_filters(None, None, None)])
