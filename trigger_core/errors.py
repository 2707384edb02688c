"""Every error this library raises, split by what the caller can do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen


class TriggerCoreError(Exception):
    """Something went wrong in trigger-core."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])


class InvalidInput(TriggerCoreError):
    """What was handed in contradicts the contract: correct it and call again."""


class InvalidValue(InvalidInput):
    """One value is wrong.

    Attributes:
        field: the name of the field, dotted where it is nested (``error.code``).
        problem: what is wrong with it and what would be right.
        others: what else is wrong with the same input, where all of it was looked at.
    """

    others: tuple[InvalidValue, ...] = ()

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")

    @property
    def all(self) -> tuple[InvalidValue, ...]:
        """This, and what else is wrong."""
        return self, *self.others

    @staticmethod
    def of(errors: Iterable[InvalidValue]) -> InvalidValue:
        """One error for all that is wrong with an input: the first, with the others."""
        first, *others = errors
        first.others = tuple(others)
        return first


@frozen
class FactError:
    """Why one fact of a call was refused.

    Attributes:
        row: the fact's place in the call, from 0; in a journal, its line, from 1.
        field: the field that is wrong.
        problem: what is wrong with it and what would be right.
    """

    row: int
    field: str
    problem: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.row), self.field, self.problem)))


class FactsRefused(InvalidInput):
    """Some facts contradict the contract or what is recorded; nothing of the call was recorded.

    Attributes:
        errors: one entry for each thing that is wrong, by row.
    """

    def __init__(self, errors: Sequence[FactError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.row, error.field)))
        shown = "; ".join(f"fact {error}" for error in self.errors[:5])
        more = f"; and {len(self.errors) - 5} more" if len(self.errors) > 5 else ""
        super().__init__(f"nothing was recorded: {shown}{more}")


class IdempotencyMismatch(InvalidInput):
    """The idempotency key was used for another request: make a new key."""


class IdempotencyInFlight(TriggerCoreError):
    """A request with this idempotency key is being handled: ask again soon."""


class NotFound(TriggerCoreError):
    """The account has nothing of that id."""


class WrongFlow(NotFound):
    """The trigger is of the other flow: ask the other question.

    Attributes:
        details_endpoint: the path, without ``/api/v1``, that answers for this trigger.
    """

    def __init__(self, details_endpoint: str) -> None:
        self.details_endpoint = details_endpoint
        super().__init__(f"this trigger's details are at {details_endpoint}")


class MissingExtra(TriggerCoreError):
    """An optional dependency is needed here: install it and call again.

    Attributes:
        extra: the extra of this distribution that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"checking {what} needs an optional dependency: pip install 'trigger-core[{extra}]'")


class StoreUnavailable(TriggerCoreError):
    """The store can't answer now; nothing was recorded. The same call may succeed later.

    ``StoreInDoubt`` is the exception: there it may have been recorded.
    """


class StoreConflict(StoreUnavailable):
    """Another process changed the same at the same moment; nothing was recorded. The same call may succeed at once."""


class StoreInDoubt(StoreUnavailable):
    """It may have been recorded: the store was lost while it committed. Only a send without a key must not be repeated.

    Facts, and whatever has a name of its own, are recorded again without harm, and so is a request with its idempotency
    key. One that came without may be sent twice then: look among the account's triggers first.
    """


class StoreError(TriggerCoreError):
    """The store can't be used like this; calling again won't help."""


class StoreInUse(StoreError):
    """Another process has the store open."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of this library."""


class StoreClosed(StoreError):
    """The store was closed; open it again."""


class StoreForked(StoreError):
    """The process was forked after the store was opened: open the store in the child instead."""
