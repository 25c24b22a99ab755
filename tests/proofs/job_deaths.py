"""A process that kills itself at a call of S3's batch jobs: at reads too, which no mutating client sends."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dr_estate.aws.recording import ExchangeRecorder
from tests.proofs.dying import DIED, When

CREATE, LIST, DESCRIBE, CANCEL = "CreateJob", "ListJobs", "DescribeJob", "UpdateJobStatus"
_SOURCE = re.compile(rb"<SourceBucket>arn:aws:s3:::([^<]+)<")
_ABOUT = "dies_about"
Answer = Mapping[str, Any]


def always(_: Answer) -> bool:
    """Whatever was answered."""
    return True


def at_work(answer: Answer) -> bool:
    """Whether a job is at work."""
    return any(row["Status"] == "Active" for row in answer.get("Jobs", ()))


@dataclass(frozen=True)
class Point:
    """Before or after a call; ``about`` is the bucket of a job that is started, and the jobs' statuses of a list."""

    operation: str
    when: When
    about: str

    def __str__(self) -> str:
        return f"{self.when} s3control:{self.operation} {self.about}"


@dataclass(frozen=True)
class Death:
    """Before or after which call of S3's jobs a process dies; after one, only where its answer is ``upon``."""

    operation: str
    when: When
    upon: Callable[[Answer], bool] = always

    def is_at(self, point: Point, answer: Answer) -> bool:
        """Whether the point is it."""
        return (self.operation, self.when) == (point.operation, point.when) and self.upon(answer)


class Dies(ExchangeRecorder):
    """Kills its own process at the first point that ``wanted`` takes. ``happens`` comes before a job is started."""

    def __init__(self, wanted: Callable[[Point, Answer], bool], happens: Callable[[], object] = bool) -> None:
        super().__init__()
        self._wanted, self._happens, self._seen = wanted, happens, ""

    def attach(self, session: Any) -> None:
        session.register("before-call.s3-control.*", self._before, unique_id="dies-before")
        session.register("after-call.s3-control.*", self._after, unique_id="dies-after")

    def _before(self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        if model.name == CREATE:
            self._happens()
        found = _SOURCE.search(params.get("body") or b"")
        context[_ABOUT] = found[1].decode() if found else self._seen
        self._meet(Point(model.name, When.BEFORE, context[_ABOUT]), {})

    def _after(self, model: Any, parsed: Answer, context: Mapping[str, Any], **_: Any) -> None:
        if model.name == LIST:
            self._seen = " ".join(sorted({row["Status"] for row in parsed.get("Jobs", ())}))
        self._meet(Point(model.name, When.AFTER, self._seen if model.name == LIST else context[_ABOUT]), parsed)

    def _meet(self, point: Point, answer: Answer) -> None:
        if self._wanted(point, answer):
            sys.stdout.write(f"\n{DIED}{point}\n")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
