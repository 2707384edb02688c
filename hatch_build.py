"""Puts the SQL that is translated for PostgreSQL into wheels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TranslationHook(BuildHookInterface[Any]):
    """Translates when a wheel is built; an editable one is translated when it is used, so that it is never stale."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds one file beside the SQL."""
        self._folder = TemporaryDirectory()
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "sql"))
        try:
            import trigger_sql
        finally:
            del sys.path[0]
        made = Path(self._folder.name) / trigger_sql.TRANSLATED
        made.write_text(json.dumps(trigger_sql.translate(), indent=1, ensure_ascii=False), "utf-8")
        build_data["force_include"][str(made)] = f"trigger_sql/{trigger_sql.TRANSLATED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes it again."""
        self._folder.cleanup()
