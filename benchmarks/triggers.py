"""``Library.triggers``: pages of an account's triggers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.data import ACCOUNT
from benchmarks.ground import Ground
from benchmarks.measure import Figure, figure, times


def run(ground: Ground) -> Iterator[Figure]:
    """Holds a page in the midst against the first, and a page against its query alone."""
    sample, pace = ground.sample, ground.sizes.pace
    alone = dict.fromkeys(
        ("flow_type", "trigger_type", "created_after", "created_before", "before_at", "before_id"), "null"
    )
    with ground.library() as library:
        first = partial(library.triggers, ACCOUNT)
        made = library.trigger(ACCOUNT, sample.big.trigger_id).created_at
        in_the_midst = partial(first, created_before=made)
        for name, subject, floor in (
            (f"a page in the midst of {len(sample.others):,} ÷ the first", in_the_midst, first),
            (
                "the first page ÷ its query alone",
                first,
                lambda: library.query("triggers", {**alone, "account": ACCOUNT, "limit": "51"}),
            ),
        ):
            yield figure("triggers", name, times(subject, floor, pace))
