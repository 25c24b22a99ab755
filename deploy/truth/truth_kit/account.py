"""A throw-away account in two regions: clients, names, tags and bounded waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TAG = "dr-truth"
PATIENCE_S = 3600.0
"""How long one thing may take: a replica of another region is the slowest."""


class TooLate(Exception):
    """Something did not happen in its time. The message says what was waited for."""


@dataclass
class Account:
    """Where the questions are asked. ``standing`` is what Terraform made: see ``terraform/outputs.tf``.

    ``grace_s`` is how long an effect may take to show before the answer is that there is none. ``clock`` and ``wait``
    are the time in seconds and how to let it pass.
    """

    run: str
    primary: str
    dr: str
    number: str
    endpoint_url: str | None = None
    standing: dict[str, str] = field(default_factory=dict)
    poll_s: float = 5.0
    grace_s: float = 900.0
    patience_s: float = PATIENCE_S
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, str]:
        """The DR region first: what is copied goes before what it was copied from."""
        return self.dr, self.primary

    @property
    def prefix(self) -> str:
        """How every name of this run begins."""
        return f"{TAG}-{self.run}-"

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tag of everything that this run makes."""
        return [{"Key": TAG, "Value": self.run}]

    @property
    def lower_tags(self) -> list[dict[str, str]]:
        """The same tag, as services write it whose members begin in lower case."""
        return [{"key": TAG, "value": self.run}]

    def client(self, service: str, region: str, **keys: str) -> Any:
        """Return a client; ``keys`` are those of another caller, by boto3's names."""
        if keys:
            return self._make(service, region, **keys)
        if (service, region) not in self._clients:
            self._clients[service, region] = self._make(service, region)
        return self._clients[service, region]

    def _make(self, service: str, region: str, **keys: str) -> Any:
        # A throttled look is no answer to a question: botocore asks again.
        config = Config(retries={"mode": "standard", "total_max_attempts": 5})
        return boto3.client(service, region, endpoint_url=self.endpoint_url, config=config, **keys)

    def pages(
        self, service: str, region: str, operation: str, result: str, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of every page that an operation answers."""
        paginator = self.client(service, region).get_paginator(operation)
        for page in paginator.paginate(**parameters):
            yield from page.get(result) or []

    def until(self, sentence: str, look: Callable[[], bool]) -> None:
        """Wait until ``look`` is true. Raises TooLate with the sentence after ``patience_s``."""
        if not self._within(self.patience_s, look):
            raise TooLate(f"{sentence}: not within {self.patience_s / 60:g} minutes")

    def shows(self, look: Callable[[], bool]) -> bool:
        """Whether ``look`` becomes true within ``grace_s``."""
        return self._within(self.grace_s, look)

    def _within(self, seconds: float, look: Callable[[], bool]) -> bool:
        end, late = self.clock() + seconds, False
        while not look():
            if late:
                return False
            self.wait(self.poll_s)
            late = self.clock() >= end  # what was slow is looked at once more after its time
        return True


def is_refused(call: Callable[[], Any], *codes: str) -> bool:
    """Whether AWS refuses the call with one of these codes. Raises ClientError for any other: it is no answer."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return True
        raise
    return False
