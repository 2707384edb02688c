"""What never changes once recorded: who owns a trigger or an execution, and what was said when it was made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from threading import Lock
from typing import Any, Generic, TypeVar

from attrs import frozen

from trigger_core._derive import utc
from trigger_core.facts import Step, Trigger, Workflow
from trigger_core.store import Reader, Row

Value = TypeVar("Value")


@frozen
class ExecutionHead:
    """An execution's place: ``place`` is its step, or its channel where there is none."""

    account: str
    trigger_id: str
    execution_id: str
    channel: str
    place: str
    in_workflow: bool


class Cache(Generic[Value]):
    """A bounded map that drops what was used longest ago.

    Args:
        most: how much the values may weigh together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._values: OrderedDict[Any, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: object) -> Value | None:
        """The value kept for a key, if it still is."""
        with self._lock:
            kept = self._values.get(key)
            if kept is None:
                return None
            self._values.move_to_end(key)
            return kept[0]

    def put(self, key: object, value: Value, weight: int = 1) -> None:
        """Keeps a value, for now."""
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = value, weight
            self._weight += weight - before
            while self._weight > self._most:
                _, (_, dropped) = self._values.popitem(last=False)
                self._weight -= dropped


class Heads:
    """The heads lately used, and the queries for those that weren't."""

    def __init__(self, most: int = 50_000) -> None:
        self._triggers: Cache[Trigger] = Cache(most)
        self._executions: Cache[ExecutionHead] = Cache(most)
        self._currencies: Cache[str] = Cache(most)

    def triggers(self, reader: Reader, ids: Collection[str]) -> dict[str, Trigger]:
        """The heads of those triggers that are recorded, by id."""
        found, missing = _split(self._triggers, ids)
        if missing:
            rows = (
                reader.rows("trigger_heads", trigger_ids=missing)
                if len(missing) > 1
                else reader.rows("trigger_head", trigger_id=missing[0])
            )
            runs = [str(row[1]) for row in rows if row[2] == "workflow"]
            steps: dict[str, list[Row]] = {}
            for trigger_id, *step in reader.rows("trigger_steps", trigger_ids=runs) if runs else ():
                steps.setdefault(str(trigger_id), []).append(tuple(step))
            for row in rows:
                head = _trigger(row, steps.get(str(row[1]), []))
                found[head.trigger_id] = head
        return found

    def executions(self, reader: Reader, ids: Collection[str]) -> dict[str, ExecutionHead]:
        """The heads of those executions that are recorded, by id."""
        found, missing = _split(self._executions, ids)
        if missing:
            rows = (
                reader.rows("execution_heads", execution_ids=missing)
                if len(missing) > 1
                else reader.rows("execution_head", execution_id=missing[0])
            )
            found.update((head.execution_id, head) for head in _executions(rows))
        return found

    def trigger(self, reader: Reader, trigger_id: str) -> Trigger | None:
        """The head of one trigger, for a reader: what it sees is there for good, so it is remembered."""
        head = self._triggers.get(trigger_id) or self.triggers(reader, [trigger_id]).get(trigger_id)
        if head is not None:
            self.keep([head], [])
        return head

    def currency(self, reader: Reader, account: str) -> str:
        """The currency of an account that has a trigger, for a reader."""
        known = self._currencies.get(account)
        if known is None:
            [(_, known)] = reader.rows("account_currencies", accounts=[account])
            self._currencies.put(account, known)
        return known

    def execution(self, reader: Reader, execution_id: str) -> ExecutionHead | None:
        """The head of one execution, for a reader."""
        head = self._executions.get(execution_id) or self.executions(reader, [execution_id]).get(execution_id)
        if head is not None:
            self.keep([], [head])
        return head

    def executions_of(self, reader: Reader, trigger_ids: Collection[str]) -> list[ExecutionHead]:
        """The heads of all executions of some triggers."""
        return (
            _executions(reader.rows("trigger_executions", trigger_ids=list(trigger_ids)))
            if trigger_ids
            else []
        )

    def keep(self, triggers: Iterable[Trigger], executions: Iterable[ExecutionHead]) -> None:
        """Remembers heads that are recorded for good."""
        for trigger in triggers:
            self._triggers.put(trigger.trigger_id, trigger)
        for execution in executions:
            self._executions.put(execution.execution_id, execution)


def _split(cache: Cache[Value], ids: Collection[str]) -> tuple[dict[str, Value], list[str]]:
    found, missing = {}, []
    for key in ids:
        value = cache.get(key)
        if value is None:
            missing.append(key)
        else:
            found[key] = value
    return found, missing


def _executions(rows: Iterable[Row]) -> list[ExecutionHead]:
    return [
        ExecutionHead(
            account, str(trigger_id), str(execution_id), channel, step_id or channel, flow == "workflow"
        )
        for account, trigger_id, execution_id, channel, step_id, flow in rows
    ]


def _trigger(row: Row, steps: list[Row]) -> Trigger:
    (
        account,
        trigger_id,
        flow_type,
        trigger_type,
        trigger_source,
        campaign_name,
        currency,
        created_at,
        scheduled_at,
        workflow_id,
        name,
        execution_id,
        workflow_type,
        template_group_id,
    ) = row
    workflow = None
    if flow_type == "workflow":
        in_steps = workflow_type == "steps"
        workflow = Workflow(
            id=workflow_id,
            name=name,
            execution_id=execution_id,
            type=workflow_type,
            template_group_id=template_group_id,
            steps=tuple(
                Step(
                    step_id=step_id,
                    step_order=order,
                    step_name=step_name,
                    channel=channel,
                    delay_minutes=delay,
                )
                for step_id, order, step_name, channel, delay in steps
            )
            if in_steps
            else None,
            channels=None if in_steps else tuple(channel for _, _, _, channel, _ in steps),
        )
    return Trigger(
        account=account,
        trigger_id=trigger_id,
        flow_type=flow_type,
        trigger_type=trigger_type,
        trigger_source=trigger_source,
        campaign_name=campaign_name,
        currency=currency,
        created_at=utc(created_at),
        scheduled_at=utc(scheduled_at),
        workflow=workflow,
    )
