"""Answers in their envelope."""

from __future__ import annotations

import json

import falcon

from trigger_core.answers import to_json


def answer(resp: falcon.Response, value: object) -> None:
    """Answers with success and data."""
    write(resp, {"success": True, "data": to_json(value)})


def write(resp: falcon.Response, body: object) -> None:
    """Answers with a body; nobody may keep what holds addresses."""
    resp.data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    resp.set_header("Cache-Control", "private, no-store")
