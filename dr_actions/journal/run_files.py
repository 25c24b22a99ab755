"""The files of a run that AWS started, kept in the bucket with Object Lock: the disk of its task ends with it.

An object a file, under runs/ENV/INCIDENT/EXECUTION/. A task overwrites nothing (IfNoneMatch): a name with several
versions was written by somebody else too, and is not fetched. Source: S3 API, PutObject and ListObjectVersions; S3 User
Guide, "How Object Lock works".
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dr_actions.control_table.table import TableSender
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side
from dr_estate.config.given_file import LONGEST
from dr_estate.iam.scopes import RUNS_PREFIX

RUN_FILE_CALLS = frozenset({"s3:GetObject", "s3:ListObjectVersions", "s3:PutObject"})
# A part of a file's name that is taken from the bucket: none leads out of the folder that it is fetched into.
_PART = re.compile(r"(?!\.{1,2}$)[\w. +@=,-]{1,200}", re.ASCII)


class LockedBucket:
    """The environment's part of the bucket with Object Lock, a folder an incident. What the sender raises passes."""

    def __init__(self, sender: TableSender, env: Environment, prefix: str) -> None:
        self._sender, self._env, self._prefix = sender, env, f"{prefix}/{env.name}"
        self._bucket = env.named(env.names.anchor_bucket)

    def _folder(self, incident: str) -> str:
        return f"{self._prefix}/{incident}/"

    def _versions(self, incident: str) -> Iterator[dict[str, Any]]:
        """Every version there is, also of what a delete marker hides."""
        marker: dict[str, Any] = {}
        while True:
            page = self._send("ListObjectVersions", Prefix=self._folder(incident), **marker)
            yield from page.get("Versions", ())
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _send(self, operation: str, **params: Any) -> dict[str, Any]:
        named = {"Bucket": self._bucket, "ExpectedBucketOwner": self._env.account}
        return self._sender.send(Call("s3", operation, self._env.region(Side.DR), {**named, **params}))


class RunFiles(LockedBucket):
    """The kept files of an environment's runs. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        super().__init__(sender, env, RUNS_PREFIX)
        self.place = f"s3://{self._bucket}/{self._prefix}"

    def keep(self, incident: str, execution: str, folder: Path, without: str) -> int:
        """Keep the files below ``folder`` but those of its folder ``without``. Raises SendFailed, OSError.

        Returns how many there are.
        """
        files = (path for path in folder.rglob("*") if path.is_file())
        paths = sorted(path for path in files if without not in path.relative_to(folder).parts)
        for path in paths:
            key = f"{self._folder(incident)}{execution}/{path.relative_to(folder).as_posix()}"
            self._send("PutObject", Key=key, Body=path.read_bytes(), IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        return len(paths)

    def fetch(self, incident: str, into: Path) -> tuple[list[Path], list[str]]:
        """Write the incident's files below ``into``, a folder an execution; returns them, and the keys left out."""
        versions = list(self._versions(incident))
        keys, large = Counter(str(row["Key"]) for row in versions), {r["Key"] for r in versions if r["Size"] > LONGEST}
        paths, others = [], []
        for key, count in sorted(keys.items()):
            parts = key.removeprefix(self._folder(incident)).split("/")
            if count > 1 or key in large or not all(_PART.fullmatch(part) for part in parts):
                others.append(key)
                continue
            path = into.joinpath(*parts)
            # A file cannot lie below another file, as a key may below another key: that was not a run's.
            if path.is_dir() or any(parent.is_file() for parent in path.parents):
                others.append(key)
                continue
            answer = self._send("GetObject", Key=key)
            path.parent.mkdir(parents=True, exist_ok=True)
            # The owner's alone from its first byte, and through no link: evidence names hosts and addresses.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(answer["Body"].read())
            paths.append(path)
        return paths, others
