"""The real Terraform (or OpenTofu) program, run as a child: init, plan into a file, show it as JSON, apply that file.

The only place of the product that starts a program. What it says is kept in the run's folder, readable by its owner
alone; the plan file, which holds every value in the clear, is removed at the end. Nothing is asked of a terminal.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_GRACE_S, _LAST_WAIT_S = 60.0, 10.0
# Exit codes of `plan -detailed-exitcode`; 1 is an error (Terraform CLI, "plan").
_NO_CHANGES, _CHANGES = 0, 2
_PRIVATE = 0o600
_LONGEST = 400
_UNRECORDED = "errored.tfstate"  # Terraform's own name
# Arguments from the environment could narrow, approve or unlock behind the gate's back; logs of TF_LOG hold secrets.
_FOREIGN = ("TF_CLI_ARGS", "TF_LOG", "TF_REATTACH_PROVIDERS")
_OURS = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
_SECRET = re.compile(r"SECRET|TOKEN|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY", re.IGNORECASE)
# A shorter value is part of ordinary words, which masking it would make unreadable.
_SHORTEST_SECRET = 6
_HELD_BY = re.compile(r"^\s*(ID|Who|Operation|Created|Path):\s*(.+?)\s*$", re.MULTILINE)
_FRAME = re.compile(r"^[│╷╵|]\s?", re.MULTILINE)

Gate = Callable[[Mapping[str, Any]], Sequence[str]]


class TerraformFailed(Exception):
    """Terraform could not do its part. The message is one sentence, without secrets, and says what to do."""


class TerraformRefused(TerraformFailed):
    """The gate refused the plan: nothing was applied."""


@dataclass(frozen=True)
class Terraform:
    """One root module and the program that works on it.

    ``variables`` is the child's whole environment. ``kept_in`` takes what it says. ``timeout_s`` is for all of a run.
    """

    program: str
    folder: Path
    kept_in: Path
    variables: Mapping[str, str]
    timeout_s: float
    began: float = field(default_factory=time.monotonic)

    def provision(self, gate: Gate) -> bool:
        """Plan, ask ``gate`` (why not, a sentence each), and apply exactly what was planned.

        Returns whether anything was to be changed. Raises TerraformRefused with the gate's sentences, TerraformFailed.
        """
        if (unrecorded := self.folder / _UNRECORDED).exists():
            raise TerraformRefused(
                f"Nothing was applied: {unrecorded} holds what an earlier apply made and could not record. In that "
                f"folder, record it with `{self.program} state push {_UNRECORDED}`, remove the file, and try again."
            )
        self.kept_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        planned = self.kept_in.resolve() / "terraform.plan"
        try:
            self._run("init", "-input=false", "-no-color")
            words = ("plan", "-input=false", "-no-color", f"-out={planned}", "-detailed-exitcode")
            code, _ = self._run(*words, good=(_NO_CHANGES, _CHANGES))
            if code == _NO_CHANGES:
                return False
            planned.chmod(_PRIVATE)
            if reasons := gate(self._plan_json(planned)):
                raise TerraformRefused(f"Nothing was applied. {' '.join(reasons)}")
            # A saved plan is what the gate saw, and Terraform refuses it where the state has changed since.
            self._run("apply", "-input=false", "-no-color", str(planned))
        finally:
            planned.unlink(missing_ok=True)
        return True

    def _plan_json(self, planned: Path) -> dict[str, Any]:
        """The plan file as JSON. It is not kept: sensitive values stand in it in the clear."""
        _, output = self._run("show", "-json", str(planned), recorded=False)
        try:
            return dict(json.loads(output))
        except ValueError as strange:
            message = f"`{self.program} show -json` printed no JSON: its plan cannot be judged."
            raise TerraformFailed(message) from strange

    def _run(self, *words: str, good: tuple[int, ...] = (0,), recorded: bool = True) -> tuple[int, str]:
        code, output, errors = self._child(words)
        if recorded:
            _write(self.kept_in / f"terraform-{words[0]}.log", self._masked_text(output + errors))
        if code not in good:
            raise TerraformFailed(self._explanation(words[0], self._masked_text(f"{errors}\n{output}")))
        return code, output

    def _child(self, words: Sequence[str]) -> tuple[int, str, str]:
        path = shutil.which(self.program, path=self.variables.get("PATH", os.defpath))
        if path is None:
            raise TerraformFailed(f"{self.program} is not on PATH: install it, or set provision.program.")
        if not self.folder.is_dir():
            raise TerraformFailed(f"provision.folder {self.folder} is no folder: correct it in the environment file.")
        variables = {name: value for name, value in self.variables.items() if not name.startswith(_FOREIGN)}
        child = subprocess.Popen(
            [path, *words],
            cwd=self.folder,
            env={**variables, **_OURS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own: Ctrl-C at the terminal reaches it by `_end` alone, which lets it finish.
            start_new_session=True,
        )
        try:
            output, errors = child.communicate(timeout=max(0.1, self.began + self.timeout_s - time.monotonic()))
        except subprocess.TimeoutExpired as slow:
            _end(child)
            limit = f"{self.program} {words[0]} was stopped: all of it may take {self.timeout_s:.0f} s"
            raise TerraformFailed(f"{limit}. Look what it left behind, then try again.") from slow
        except BaseException:
            _end(child)
            raise
        return child.returncode, output, errors

    def _masked_text(self, text: str) -> str:
        secrets = [v for n, v in self.variables.items() if _SECRET.search(n) and len(v) >= _SHORTEST_SECRET]
        for value in sorted(secrets, key=len, reverse=True):
            text = text.replace(value, "<redacted>")
        return text

    def _explanation(self, word: str, message: str) -> str:
        text = _FRAME.sub("", message)
        # The text chooses the sentence alone: what the run does follows from the exit code.
        if "acquiring the state lock" in text:
            lock_info = dict(_HELD_BY.findall(text))
            who = lock_info.get("Who", "somebody who is not named")
            about = f"{lock_info.get('Operation', 'an operation')} since {lock_info.get('Created', 'an unknown time')}"
            lock = f"`{self.program} force-unlock {lock_info['ID']}`" if "ID" in lock_info else "force-unlock"
            return (
                f"Terraform's state is locked by {who} ({about}): ask them to finish. "
                f"Only when nobody works there any more, take the lock away with {lock}."
            )
        if "Saved plan is stale" in text:
            return "The state changed after the plan was made: nothing was applied. Try again."
        error = next((part for part in text.split("Error: ")[1:]), text.strip())
        summary = " ".join(error.split())[:_LONGEST]
        return f"{self.program} {word} failed: {summary or 'it said nothing'} (all of it: {self.kept_in})."


def _end(child: subprocess.Popen[str]) -> None:
    """Let it stop in good order (it gives the lock back and writes its state); after the grace, by force."""
    child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        # The group: providers are processes of their own, and would go on.
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate(timeout=_LAST_WAIT_S)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "w", encoding="utf-8") as out:
        out.write(text)
