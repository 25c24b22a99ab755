"""Answers of AWS that need no asking for a time, kept in a file between two observations, by ARN and version.

An answer is that of its version alone. A task definition revision never changes: its version is what is read of it. The
policy of a secret may change: its version is when the secret last changed, and the day (UTC) when the policy was read.

A checksum shows damage and no forgery: who may write the user's files may write this one. So what decides a failover
never reads it, evidence names each answer that came from it, and the file counts only where nobody else could write it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

SCHEMA = "aws-dr-manager/immutable-answers/1"
MOST_ANSWERS = 50_000  # those of 10,000 tenants are 30,000
MOST_BYTES = 64 * 1024 * 1024
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

Versioned = tuple[str, Any]
"""An answer after the version it is of."""


@dataclass
class ImmutableAnswers:
    """What is known (plain JSON), and what was read this time (values that orjson can write), both by ARN.

    A thing has one version at a time: what is read of it takes the place of what was known. ``used`` are the ARNs whose
    known answer was taken this time.
    """

    known: Mapping[str, Versioned] = field(default_factory=dict)
    fresh: dict[str, Versioned] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def get(self, arn: str, version: str) -> Any:
        """Return the answer that is known for this version of ``arn``, None where none is."""
        known_version, answer = self.known.get(arn, (None, None))
        if known_version != version:
            return None
        self.used.add(arn)
        return answer

    def keep(self, arn: str, version: str, answer: Any) -> None:
        """Note that this version of ``arn`` was asked for now and has this answer."""
        self.fresh[arn] = version, answer

    def save(self, path: Path, maker: str) -> None:
        """Write what was read, then what was used, then what else was known, up to the limits.

        A disk that cannot be written is no fault: the file stays as it was.
        """
        if not self.fresh:
            return
        latest, used = {**self.known, **self.fresh}, (arn for arn in self.known if arn in self.used)
        in_turn = dict.fromkeys([*self.fresh, *used, *self.known])
        content = _content(maker, {arn: latest[arn] for arn in in_turn})
        with contextlib.suppress(OSError):
            # Each folder for the user alone: mkdir's parents are for everyone.
            for each in (*reversed(path.parent.parents), path.parent):
                if not each.is_dir():
                    each.mkdir(mode=0o700, exist_ok=True)
            # Whole or not at all: a new file, for the user alone, takes the place of the old one.
            writing, name = tempfile.mkstemp(prefix=f"{path.stem}.", dir=path.parent)
            beside = Path(name)
            try:
                with os.fdopen(writing, "wb") as file:
                    file.write(content)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)


def load(path: Path, maker: str) -> ImmutableAnswers:
    """Read what ``maker`` (a version of the tool) kept; nothing where it is damaged, another's, or others may write."""
    try:
        # No link is followed, and the open file is judged, not its name: it could be exchanged in between.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE or status.st_size > MOST_BYTES:
                return ImmutableAnswers()
            body = orjson.loads(file.read())
        answers = body["answers"]
        if body["maker"] == maker and body["checksum"] == _checksum(maker, answers):
            return ImmutableAnswers({arn: (version, answer) for arn, (version, answer) in answers.items()})
    except (OSError, ValueError, KeyError, TypeError):
        pass  # what cannot be read is read from AWS again
    return ImmutableAnswers()


def _content(maker: str, answers: Mapping[str, Versioned]) -> bytes:
    """The file's text: of ``answers``, the first ones that fit."""
    checksum = _checksum(maker, {})
    room = MOST_BYTES - len(orjson.dumps({"checksum": checksum, "maker": maker, "answers": {}}))
    members: list[bytes] = []
    for arn, answer in islice(answers.items(), MOST_ANSWERS):
        member = orjson.dumps({arn: answer})[1:-1]
        if len(member) < room:  # a comma follows
            room -= len(member) + 1
            members.append(member)
    text = b"{" + b",".join(members) + b"}"
    checksum = _checksum(maker, orjson.loads(text))
    return orjson.dumps({"checksum": checksum, "maker": maker, "answers": orjson.Fragment(text)})


def _checksum(maker: str, answers: Mapping[str, Any]) -> str:
    content = orjson.dumps([SCHEMA, maker, answers], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()
