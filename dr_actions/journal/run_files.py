"""The files of a run that AWS started, kept in the bucket with Object Lock: the disk of its task ends with it.

An object a file, under runs/ENV/INCIDENT/EXECUTION/. Nothing is overwritten (IfNoneMatch), and of a name with several
versions the oldest one counts: who writes a second one later changes nothing of what is fetched. Source: S3 API,
PutObject and ListObjectVersions; S3 User Guide, "How Object Lock works".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dr_actions.control_table.table import TableSender
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import RUNS_PREFIX

RUN_FILE_CALLS = frozenset({"s3:GetObject", "s3:ListObjectVersions", "s3:PutObject"})
_PART = re.compile(r"(?!\.{1,2}$)[\w. +@=,-]{1,200}", re.ASCII)
"""A part of a file's name that is taken from the bucket: none leads out of the folder that it is fetched into."""


class RunFiles:
    """The kept files of an environment's runs. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        self._sender, self._env, self._region = sender, env, env.region(Side.DR)
        self._bucket = env.named(env.names.anchor_bucket)
        self.place = f"s3://{self._bucket}/{RUNS_PREFIX}/{env.name}"

    def keep(self, incident: str, execution: str, folder: Path) -> int:
        """Keep every file below ``folder``, and return how many there are. Raises SendFailed, OSError."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in paths:
            key = f"{self._folder(incident)}{execution}/{path.relative_to(folder).as_posix()}"
            self._send("PutObject", Key=key, Body=path.read_bytes(), IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        return len(paths)

    def fetch(self, incident: str, into: Path) -> list[Path]:
        """Write the incident's kept files below ``into``, a folder an execution; returns where they are."""
        oldest: dict[str, dict[str, Any]] = {}
        for version in self._versions(incident):
            first = oldest.setdefault(version["Key"], version)
            oldest[version["Key"]] = min(first, version, key=lambda row: row["LastModified"])
        found = []
        for key, version in sorted(oldest.items()):
            parts = key.removeprefix(self._folder(incident)).split("/")
            if not all(_PART.fullmatch(part) for part in parts):
                continue  # no name that this tool gives a file
            answer = self._send("GetObject", Key=key, VersionId=version["VersionId"])
            path = into.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer["Body"].read())
            found.append(path)
        return found

    def _folder(self, incident: str) -> str:
        return f"{RUNS_PREFIX}/{self._env.name}/{incident}/"

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
        return self._sender.send(Call("s3", operation, self._region, {"Bucket": self._bucket, **params}))
