"""Answers of AWS that cannot change, kept in a file between two observations, by the ARN that was asked for.

A checksum shows damage and no forgery: who may write the user's files may write this one. So what decides a failover
never reads it, evidence names each answer that came from it, and the file counts only where nobody else could write it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

SCHEMA = "aws-dr-manager/immutable-answers/1"
MOST_ANSWERS = 50_000  # those of 10,000 tenants are 30,000
MOST_BYTES = 64 * 1024 * 1024
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass
class ImmutableAnswers:
    """What is known (plain JSON), and what was read this time (values that orjson can write), both by ARN."""

    known: Mapping[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)

    def get(self, arn: str) -> Any:
        """Return the answer that is known for ``arn``, None where none is."""
        return self.known.get(arn)

    def keep(self, arn: str, answer: Any) -> None:
        """Note that ``arn`` was asked for now and has this answer."""
        self.fresh[arn] = answer

    def save(self, path: Path, maker: str) -> None:
        """Write what was read, then what was known, up to the limit. A disk that cannot be written is no fault."""
        if not self.fresh:
            return
        others = {arn: answer for arn, answer in self.known.items() if arn not in self.fresh}
        answers = orjson.loads(orjson.dumps(dict([*self.fresh.items(), *others.items()][:MOST_ANSWERS])))
        beside = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            writing = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(writing, "wb") as file:
                file.write(orjson.dumps({"checksum": _checksum(maker, answers), "maker": maker, "answers": answers}))
            beside.replace(path)


def load(path: Path, maker: str) -> ImmutableAnswers:
    """Read what ``maker`` (a version of the tool) kept; nothing where it is damaged, another's, or others may write."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE or status.st_size > MOST_BYTES:
                return ImmutableAnswers()
            body = orjson.loads(file.read())
        answers = body["answers"]
        if body["maker"] == maker and body["checksum"] == _checksum(maker, answers):
            return ImmutableAnswers(dict(answers))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # what cannot be read is read from AWS again
    return ImmutableAnswers()


def _checksum(maker: str, answers: Mapping[str, Any]) -> str:
    content = orjson.dumps([SCHEMA, maker, answers], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()
