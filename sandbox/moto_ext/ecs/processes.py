"""Tasks that run this tool: each is a real process of it, with the keys of its task's role, against this very world.

The image is this checkout, with the folder of environment files that was put into it (``sandbox.core.deployed``). A
process ends with its task, with the world it was started in, or with the sandbox.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moto.ecs.models import EC2ContainerServiceBackend
from moto.sts.models import sts_backends

from sandbox.core.deployed import DEPLOYED, ROOT
from sandbox.core.world_file import home as state_home
from sandbox.moto_ext.ecs.tasks import RunningTask

DOOR = ROOT / "utils" / "aws_mgmt" / "dr_cli.py"
# A process of a sandbox before this one was killed with it.
LOST = 137
# Between SIGTERM and SIGKILL of a container (API_ContainerDefinition, stopTimeout), and of one whose world ended.
STOP_TIMEOUT_S, WITHOUT_WORLD_S = 30, 5
_SHELLS = frozenset({"ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"})
_COMMAND = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
# Longer than any run: ECS renews the keys of a task (ECS guide, task IAM role).
_SESSION_S = 12 * 3600
# When the keys end, as their process sees it: ECS and Systems Manager renew them for as long as they are needed.
_RENEWED = "2099-01-07T18:00:00Z"


@dataclass(frozen=True)
class TaskProcess:
    """The process of a task, and its folder."""

    popen: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return (Path(self.folder.name) / "output").read_text(encoding="utf-8", errors="replace")


_processes: dict[str, TaskProcess] = {}


def runs_the_tool(command: list[str]) -> bool:
    """Whether it is the command line of this tool."""
    return command[:1] == ["-e"]


def starts_the_tool(entry_point: Sequence[str]) -> bool:
    """Whether a container of this entry point, none for its image's own, takes its command for the tool's words.

    A shell that is given a command by -c takes the words after it for its name and its arguments: they are dropped,
    unless the command passes "$@" on, and its name is given besides.
    """
    options = [number for number, word in enumerate(entry_point) if _COMMAND.fullmatch(word)]
    shell = next((number for number, word in enumerate(entry_point) if word.rpartition("/")[2] in _SHELLS), None)
    option = next((number for number in options if shell is not None and number > shell), None)
    if option is None:
        return not entry_point or _tool_at(entry_point) is not None
    script, *named = list(entry_point[option + 1 :]) or [""]
    words = script.split()
    first = _tool_at(words)
    return bool(named) and first is not None and bool({'"$@"', "$@", '"${@}"', "${@}"} & set(words[first:]))


def _tool_at(words: Sequence[str]) -> int | None:
    return next((number for number, word in enumerate(words) if word.rpartition("/")[2] == "dr"), None)


def role_variables(account: str, region: str, role: str, session: str) -> dict[str, str]:
    """The AWS variables of a session of ``role``, as AWS gives them to what it runs."""
    backend = sts_backends[account]["aws"]
    keys = backend.assume_role(region, session, role, "", _SESSION_S, "")
    return {
        "AWS_ENDPOINT_URL": DEPLOYED.url,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_CREDENTIAL_EXPIRATION": _RENEWED,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def environment_of(variables: dict[str, str], home: str) -> dict[str, str]:
    """The environment of a process that AWS runs: nothing of this one's own credentials.

    Its home directory is its own, and the sandbox whose world it meets is still known to it by name.
    """
    # The developer's own keys, profiles and moto's settings stay out.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    return {**inherited, **variables, "HOME": home, "XDG_STATE_HOME": home, "DR_SANDBOX_HOME": str(state_home())}


def start(backend: EC2ContainerServiceBackend, task: RunningTask, command: list[str]) -> None:
    """Start the tool with ``command``."""
    role = str(task.definition.task_role_arn)
    variables = role_variables(backend.account_id, backend.region_name, role, task.id)
    folder = tempfile.TemporaryDirectory(prefix="sandbox-task-")
    home = Path(folder.name)
    words = [sys.executable, str(DOOR), "--config", str(DEPLOYED.environments), "--output", str(home / "out"), *command]
    with (home / "output").open("wb") as output:
        popen = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment_of(variables, str(home)),
            # A group of its own: SIGTERM reaches what it has started as well.
            start_new_session=True,
        )
    _processes[task.id] = TaskProcess(popen, folder)


def is_running(task: RunningTask) -> bool:
    """Whether it has a process, which may have ended."""
    return task.id in _processes


def exit_code_of(task: RunningTask) -> int | None:
    """The exit code of its process, None while that runs; of one that is not of this sandbox's life it is lost."""
    found = _processes.get(task.id)
    if found is None:
        return LOST
    code = found.popen.poll()
    if code:
        sys.stderr.write(f"Task {task.id} ended with {code}: {found.output[-4000:]}\n")
    # A shell's form: 128 and the signal.
    return code if code is None or code >= 0 else 128 - code


def end(task_id: str) -> None:
    """End its process by SIGTERM, as ECS stops a container; by force where it goes on for longer than stopTimeout.

    Who asks for it holds the world, which the process needs to give its lock back: it is waited for elsewhere.
    """
    found = _processes.pop(task_id, None)
    if found is not None:
        _terminate(found)
        # Not here: the process gives its lock back by a call, which needs the world that is held now.
        threading.Thread(target=_await_end, args=(found, STOP_TIMEOUT_S), daemon=True).start()


def end_all() -> None:
    """End every process: their world is gone."""
    found = [_processes.pop(task_id) for task_id in list(_processes)]
    for process in found:
        _terminate(process)
    for process in found:
        _await_end(process, WITHOUT_WORLD_S)


def _terminate(process: TaskProcess) -> None:
    if process.popen.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.popen.pid, signal.SIGTERM)


def _await_end(process: TaskProcess, limit_s: float) -> None:
    try:
        process.popen.wait(limit_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.popen.pid, signal.SIGKILL)
        process.popen.wait()
    process.folder.cleanup()
