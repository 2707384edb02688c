"""What a log is told of an exception."""

from __future__ import annotations

import traceback


def causes(error: BaseException, *, places: bool = True) -> str:
    """The classes of an exception and of what caused it, without their texts: those may hold addresses or secrets.

    Args:
        error: the exception.
        places: whether to add where each came from.
    """
    story = []
    cause: BaseException | None = error
    while cause is not None:
        frames = "".join(traceback.format_tb(cause.__traceback__)) if places else ""
        story.append(f"{type(cause).__module__}.{type(cause).__qualname__}\n{frames}".rstrip())
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\nafter ".join(story)
