"""Tasks whose containers run one after another and share folders (ECS Developer Guide, "Container dependency").

Played are this tool, as a process of its own, and the AWS CLI's ``s3 cp --recursive``, by the policies of the task's
role. A volume is a folder of the task's; the path of its mount is that folder in a command. The task ends with its last
container, the essential one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition
from moto.s3.models import s3_backends

from sandbox.moto_ext.ecs import processes
from sandbox.moto_ext.ecs.tasks import RunningTask, containers_of
from sandbox.moto_ext.iam.policies import AccessRequest
from sandbox.moto_ext.iam.role_access import may

# The words of the container's command in the tool's own task definition: nothing else of the AWS CLI is played.
_COPY = ["s3", "cp", "--recursive", "--only-show-errors"]
_COPY_FAILED = 1


def is_chained(definition: TaskDefinition) -> bool:
    """Whether containers of the task wait for others to end."""
    return any(container.get("dependsOn") for container in containers_of(definition))


@dataclass
class ContainerChain:
    """The containers of a task in their order, and how those that ended did."""

    backend: EC2ContainerServiceBackend
    task: RunningTask
    waiting: list[dict[str, Any]]
    exit_codes: dict[str, int] = field(default_factory=dict)
    home: TemporaryDirectory[str] = field(default_factory=lambda: TemporaryDirectory(prefix="sandbox-task-"))

    def advance(self) -> bool:
        """Go on as far as it goes now; whether every container has ended."""
        while self.waiting:
            container = self.waiting[0]
            code = self._code_of(container)
            if code is None:
                return False
            self.exit_codes[container["name"]] = code
            self.waiting.pop(0)
        return True

    def _code_of(self, container: dict[str, Any]) -> int | None:
        """The container's exit code, None while it runs. It is begun where it is not."""
        given = self.task.overrides.get("containerOverrides") or []
        # An override of RunTask goes before the definition's command (API_ContainerOverride).
        overriding = [row["command"] for row in given if row["name"] == container["name"]]
        command = overriding[0] if overriding else container.get("command") or []
        mounts = {row["containerPath"]: Path(self.home.name) / row["sourceVolume"] for row in container["mountPoints"]}
        for folder in mounts.values():
            folder.mkdir(exist_ok=True)
        words = [_local(word, mounts) for word in command]
        # Carried out here by the role's policies: a process of the AWS CLI for each start would take seconds.
        if words[: len(_COPY)] == _COPY:
            return self._copy(*words[len(_COPY) :])
        if not processes.is_running(self.task):
            processes.start(self.backend, self.task, words)
        code = processes.exit_code_of(self.task)
        if code is not None:
            processes.end(self.task.id)
        return code

    def _copy(self, source: str, target: str) -> int:
        """Copy a folder into a bucket, or what lies there into a folder. Returns the exit code."""
        s3 = s3_backends[self.backend.account_id]["aws"]
        if target.startswith("s3://"):
            bucket, _, prefix = target.removeprefix("s3://").partition("/")
            for file in sorted(path for path in Path(source).rglob("*") if path.is_file()):
                key = f"{prefix}{file.relative_to(source)}"
                if not self._may("s3:PutObject", f"{bucket}/{key}"):
                    return _COPY_FAILED
                # Past conditions and locks of the bucket: only the role is judged.
                s3.put_object(bucket, key, file.read_bytes())
            return 0
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        # `s3 cp --recursive` lists before it fetches: both rights are needed.
        if not self._may("s3:ListBucket", bucket, {"s3:prefix": (prefix,)}):
            return _COPY_FAILED
        for key in [name for name in s3.get_bucket(bucket).keys if name.startswith(prefix)]:
            if not self._may("s3:GetObject", f"{bucket}/{key}"):
                return _COPY_FAILED
            file = Path(target) / key.removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            stored = s3.get_object(bucket, key)
            file.write_bytes(stored.value if stored is not None else b"")
        return 0

    def _may(self, action: str, name: str, context: dict[str, tuple[str, ...]] | None = None) -> bool:
        role = str(self.task.definition.task_role_arn)
        return may(self.backend.account_id, role, AccessRequest(action, f"arn:aws:s3:::{name}", context or {}))


def _local(word: str, mounts: dict[str, Path]) -> str:
    inside = ((path, folder) for path, folder in mounts.items() if Path(word).is_relative_to(path))
    return next((str(folder / Path(word).relative_to(path)) for path, folder in inside), word)


_chains: dict[str, ContainerChain] = {}


def begin(backend: EC2ContainerServiceBackend, task: RunningTask) -> None:
    """Begin the task's containers, each behind those that it depends on."""
    left, order = list(containers_of(task.definition)), list[dict[str, Any]]()
    while left:
        before = {container["name"] for container in order}
        # In the order of their dependencies, whose condition is not looked at: SUCCESS is played as COMPLETE.
        ready = [row for row in left if {other["containerName"] for other in row.get("dependsOn") or ()} <= before]
        if not ready:
            raise ValueError(f"containers of {task.definition.family} wait for one another")
        order += ready
        left = [row for row in left if row not in ready]
    _chains[task.id] = ContainerChain(backend, task, order)


def exit_codes_of(task: RunningTask) -> dict[str, int] | None:
    """The exit code of each container once all have ended, None before that."""
    chain = _chains[task.id]
    if not chain.advance():
        return None
    end(task.id)
    return chain.exit_codes


def end(task_id: str) -> None:
    """Take the folders away of a task that has ended."""
    if chain := _chains.pop(task_id, None):
        chain.home.cleanup()
