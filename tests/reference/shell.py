"""The API's documents as a person would put them together from what a DuckDB shell prints."""

import json
import subprocess
import sysconfig
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trigger_core import answers, facts

Row = dict[str, Any]


class Shell:
    """What the views of a closed store say."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._triggers = {row["trigger_id"]: row for row in self._rows("trigger_status")}
        self._executions = {row["execution_id"]: row for row in self._rows("execution_counts")}
        self._steps = self._rows("step_status")
        self._reasons = self._rows("filter_reasons")

    def _rows(self, view: str) -> list[Row]:
        duckdb = Path(sysconfig.get_path("scripts")) / "duckdb"
        command = [str(duckdb), "-readonly", "-json", str(self._store), f"from {view}"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows: list[Row] = json.loads(printed or "[]")
        return rows

    def document(self, trigger_id: str, question: str) -> Row:
        """The document ``trigger``, ``direct`` or ``workflow`` of a trigger."""
        row = self._triggers[trigger_id]
        document: Row = getattr(self, f"_{question}")(row)
        return document

    def _trigger(self, row: Row) -> Row:
        details = "direct" if row["flow_type"] == "direct_channel" else "workflow"
        same = ("flow_type", "trigger_type", "trigger_source", "campaign_name", "status")
        times = ("created_at", "started_at", "completed_at", "scheduled_at")
        return {
            "id": row["trigger_id"],
            **{name: row[name] for name in same},
            **{name: iso(row[name]) for name in times},
            "duration_seconds": number(row["duration_seconds"]),
            "summary": {name: row[name] for name in ("total_contacts", "sent", "failed", "filtered")},
            "details_endpoint": f"/triggers/{row['trigger_id']}/{details}",
        }

    def _direct(self, row: Row) -> Row:
        [execution] = [one for one in self._executions.values() if one["trigger_id"] == row["trigger_id"]]
        path = "messages" if execution["channel"] == "email" else execution["channel"]
        return {
            "trigger_id": row["trigger_id"],
            "flow_type": row["flow_type"],
            "channel": row["trigger_type"],
            **self._members(execution),
            "execution_details_endpoint": f"/api/v1/{path}/executions/{execution['execution_id']}/jobs",
        }

    def _workflow(self, row: Row) -> Row:
        steps = [step for step in self._steps if step["trigger_id"] == row["trigger_id"]]
        steps.sort(key=lambda step: step["step_order"])
        described = ("step_id", "step_order", "step_name", "channel", "status", "delay_minutes")
        document = {
            "trigger_id": row["trigger_id"],
            "flow_type": "workflow",
            "workflow_type": row["workflow_type"],
            "workflow": {
                "id": row["workflow_id"],
                "name": row["workflow_name"],
                "execution_id": row["workflow_execution_id"],
                "template_group_id": row["template_group_id"],
            },
            "totals": {
                **{name: row[name] for name in ("total_contacts", "currency")},
                "total_cost": number(row["total_cost"]),
                **{f"total_{name}": row[name] for name in ("sent", "failed", "filtered")},
                **{
                    f"{kind}_{name}": row[f"{kind}_{name}"]
                    for kind in ("steps", "channels")
                    for name in ("completed", "total")
                },
            },
        }
        members = [self._members(self._executions.get(step["execution_id"])) for step in steps]
        if row["workflow_type"] == "template_group":
            return {
                **document,
                "channels": {step["channel"]: one for step, one in zip(steps, members, strict=True)},
            }
        return {
            **document,
            "steps": [
                {
                    **{name: step[name] for name in described},
                    "scheduled_for": iso(step["scheduled_for"]),
                    **one,
                }
                for step, one in zip(steps, members, strict=True)
            ],
        }

    def _members(self, row: Row | None) -> Row:
        if row is None:
            return {"execution": None, "jobs": None, "analytics": None}
        counts = ("total", "sent", "failed", "filtered", "cancelled", "pending")
        reasons = [one for one in self._reasons if one["execution_id"] == row["execution_id"]]
        reasons.sort(key=lambda one: (-one["count"], one["reason"]))
        return {
            "execution": {
                "id": row["execution_id"],
                "status": row["status"],
                "total_contacts": row["total"],
                **{f"{name}_count": row[name] for name in ("sent", "failed", "filtered")},
                "total_segments": row["segments"],
                "estimated_cost": number(row["cost"]),
                "currency": row["currency"],
                "started_at": iso(row["started_at"]),
                "completed_at": iso(row["completed_at"]),
            },
            "jobs": {
                **{name: row[name] for name in counts},
                "filter_reasons": [
                    {"reason": one["reason"], "count": one["count"], "contacts": listed(one["contacts"])}
                    for one in reasons
                ],
            },
            "analytics": {
                name: row["delivery_failed" if name == "failed" else name]
                for name in answers.analytics_names(row["channel"])
            },
        }


def listed(contacts: Any) -> Any:
    """A list as the shell's JSON has it: a list, or its text."""
    return contacts if isinstance(contacts, list) else contacts.strip("[]").split(", ")


def number(shown: str | None) -> float | None:
    """A decimal, which the shell prints as text."""
    return None if shown is None else float(shown)


def iso(shown: str | None) -> str | None:
    """A time as the API prints it."""
    return None if shown is None else facts.iso(datetime.fromisoformat(shown).replace(tzinfo=UTC))
