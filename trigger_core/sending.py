"""What one asks for: a message to somebody, or a run of a workflow.

A request is checked when it is made. ``library.send`` and ``library.run`` plan what it asks for, and give a receipt.

>>> Send(channel="sms", template_key="otp_us", contact_external_id="user_123").recipient_type
'contact'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from attrs import field, frozen

from trigger_core.answers import to_json
from trigger_core.catalog import _attributes, _texts
from trigger_core.errors import InvalidValue
from trigger_core.facts import CHANNELS, checked, checking, choice, instant, text

__all__ = ["EventCounts", "Receipt", "Request", "Send", "WorkflowRun"]

MOST_RECIPIENTS: Final = 100_000
"""So many contacts may be named in a request; more of them are a list."""

_RECIPIENTS: Final = {
    "contact": "contact_external_id",
    "contacts": "contact_external_ids",
    "list": "list_name",
}


def _recipients(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise InvalidValue(name, "must be a list of external ids")
    found = tuple(dict.fromkeys(_texts(value, name)))
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise InvalidValue(
            name, f"must have 1 to {MOST_RECIPIENTS:,} external ids; for more, put a list and name it"
        )
    return found


def _recipients_wrong(members: Mapping[str, object]) -> list[InvalidValue]:
    """What is wrong with whom a request names."""
    given = [kind for kind, field in _RECIPIENTS.items() if members.get(field) is not None]
    wanted = members.get("recipient_type")
    if wanted is None and len(given) != 1:
        names = ", ".join(_RECIPIENTS.values())
        return [InvalidValue("recipient_type", f"must be {', '.join(_RECIPIENTS)}, with {names}")]
    if not isinstance(wanted, str) or wanted not in _RECIPIENTS:
        return []
    if wanted not in given:
        return [InvalidValue(_RECIPIENTS[wanted], f"is missing: recipient_type is {wanted}")]
    problem = f"must be left out: recipient_type is {wanted}"
    return [InvalidValue(_RECIPIENTS[kind], problem) for kind in given if kind != wanted]


@frozen(kw_only=True, field_transformer=checking)
class Request:
    """Something for somebody: what ``Send`` and ``WorkflowRun`` have in common.

    Attributes:
        recipient_type: ``contact``, ``contacts`` or ``list``; follows from what is given of the next three.
        contact_external_id: one contact.
        contact_external_ids: several, at most 100,000; repeated ones count once.
        list_name: all contacts who are on a list now.
        campaign_name: the trigger's name; unless told "SMS Send - otp_us" and the like, or the workflow's.
        scheduled_at: not before this time; now unless told.
        variables: values for the templates' variables, over the contacts' attributes; one without is left empty.
    """

    recipient_type: str | None = field(default=None, metadata=checked(choice, tuple(_RECIPIENTS)))
    contact_external_id: str | None = field(default=None, metadata=checked(text, 200))
    contact_external_ids: tuple[str, ...] | None = field(default=None, metadata=checked(_recipients))
    list_name: str | None = field(default=None, metadata=checked(text, 200))
    campaign_name: str | None = field(default=None, metadata=checked(text, 200))
    scheduled_at: datetime | None = field(default=None, metadata=checked(instant))
    variables: dict[str, str | int | float | bool] | None = field(default=None, metadata=checked(_attributes))

    def __attrs_post_init__(self) -> None:
        """Fails unless it is said once who is meant; sets ``recipient_type`` where it was left out."""
        members = {name: getattr(self, name) for name in ("recipient_type", *_RECIPIENTS.values())}
        if wrong := _recipients_wrong(members):
            raise InvalidValue.of(wrong)
        if self.recipient_type is None:
            [kind] = [kind for kind, name in _RECIPIENTS.items() if members[name] is not None]
            object.__setattr__(self, "recipient_type", kind)

    _also_wrong = staticmethod(_recipients_wrong)


@frozen(kw_only=True, field_transformer=checking)
class Send(Request):
    """A message to somebody, on one channel.

    Attributes:
        channel: ``email``, ``sms`` or ``whatsapp``.
        template_key: what is sent; there must be such a template for the channel.
    """

    channel: str = field(metadata=checked(choice, CHANNELS))
    template_key: str = field(metadata=checked(text, 200))


@frozen(kw_only=True, field_transformer=checking)
class WorkflowRun(Request):
    """A run of a workflow for somebody; ``scheduled_at`` is when it starts.

    Attributes:
        workflow_name: what is run; there must be such a workflow.
    """

    workflow_name: str = field(metadata=checked(text, 200))


@frozen(kw_only=True)
class Receipt:
    """What was made of a request.

    Attributes:
        trigger_id: asks for all that becomes of it.
        job_id: the job of a send to one contact; None otherwise.
        is_replay: whether it is the answer to an earlier request with the same idempotency key.
    """

    trigger_id: str
    job_id: int | None = None
    is_replay: bool = False


@frozen(kw_only=True)
class EventCounts:
    """What became of some delivery events.

    Attributes:
        accepted: those that changed something.
        duplicate: those that changed nothing: they, or earlier ones of their kind, were known.
        unmatched: those kept until their job is known.
    """

    accepted: int
    duplicate: int
    unmatched: int


def digest(request: Request) -> str:
    """The same for equal requests, and for no others."""
    members: dict[str, Any] = {"": type(request).__name__, **to_json(request)}
    text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
