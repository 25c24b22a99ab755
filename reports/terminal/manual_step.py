"""A DNS change that a person makes: its change batch in a file, and the one short line that sends it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from dr_actions.actions.traffic.records import as_command, as_json, as_reading
from dr_actions.model.plan import Call
from dr_estate.aws.read_client import Credentials
from dr_estate.model.visible import without_credentials

CHECK_NOW = "CHECK IT NOW, RUN IT WHEN THE RUN ASKS"


@dataclass(frozen=True, slots=True)
class ManualStepWriter:
    """Writes change batches into ``folder``; ``environment_note`` is what a person's shell lacks to reach the run's
    world.
    """

    folder: Path
    environment_note: Credentials

    def command(self, step_id: str, call: Call) -> str:
        """One line to paste into a shell. Where the file cannot be written, the batch is in the line itself."""
        return " ".join(
            part for part in (self._keys(), as_command(call, self._file(step_id, call)), self._end()) if part
        )

    def reading(self, call: Call) -> str:
        """One line to paste into a shell that lists what ``call`` changes."""
        return " ".join(part for part in (self._keys(), as_reading(call), self._end()) if part)

    @property
    def subject(self) -> str:
        """Who runs the command, as the first words of a sentence."""
        return "Run, as the sandbox's admin" if self.environment_note.access_key_id else "Run, with rights on the zone"

    def _file(self, step_id: str, call: Call) -> str:
        path = self.folder.resolve() / f"change-batch-{re.sub(r'[^A-Za-z0-9._-]', '-', step_id)}.json"
        try:
            path.write_text(as_json(call), encoding="utf-8")
        except OSError:
            return ""
        return f"file://{path}"

    def _keys(self) -> str:
        """The sandbox's keys for this one command: the shell may hold those of an account."""
        if self.environment_note.access_key_id is None:
            return ""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        # An empty session token: one of the shell's own would go with the sandbox's keys.
        values = (self.environment_note.access_key_id, self.environment_note.secret_access_key or "", "")
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in zip(names, values, strict=True))

    def _end(self) -> str:
        """The endpoint; one with a password in it is left to the shell's own variable, and not shown."""
        endpoint = self.environment_note.endpoint_url
        if endpoint is None:
            return ""
        secret = without_credentials(endpoint) != endpoint
        return "--endpoint-url " + ('"$AWS_ENDPOINT_URL"' if secret else shlex.quote(endpoint))
