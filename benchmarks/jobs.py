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
        before = 50 * (min(10_000, big.jobs // 50) - 1)
        deep = partial(first, cursor=_cursor(big.execution_id, before))
        assert [job.job_id for job in deep().jobs] == list(range(before + 1, before + 51))
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
            (f"page {before // 50 + 1:,} of {big.jobs:,} jobs ÷ the first", deep, first),
            ("the first page of those filtered ÷ of all", partial(first, status="filtered"), first),
            ("the first page ÷ its query alone", first, partial(library.query, "jobs", alone)),
            (
                f"one of {big.jobs:,} jobs ÷ an execution's only one",
                partial(library.job, ACCOUNT, big.execution_id, big.jobs // 3),
                partial(library.job, ACCOUNT, sample.sent.execution_id, 1),
            ),
        ):
            wanted = "≤ 1.5" if subject is deep else ""
            yield figure("jobs", name, times(subject, floor, pace), wanted=wanted)


def _cursor(execution_id: str, after: int) -> str:
    """The cursor of the page behind a job; to get there page by page would take a while."""
    return _lists._cursor([after], ["jobs", ACCOUNT, execution_id, _lists.job_filters(None, None, None)])
