"""The rules a run is judged by, as a value with a digest, and those that an approver pinned. Pure.

The environment file and the exceptions lie on the operator's disk. So an approver pins them: one item of the control
table under the approver's own user id (dynamodb:LeadingKeys), where IAM lets no operator write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from dr_actions.model.gates import Override
from dr_checks.core.exceptions import ExceptionRule
from dr_estate.config.environment import Environment

RULE = "authority.rules"

_NO_RULES = {"observation", "estate_map"}  # dr_estate.config.environment: Environment.rules
_MOST_NAMED = 5


@dataclass(frozen=True)
class EffectiveRules:
    """``environment`` holds the settings that are not the default, ``exceptions`` the accepted gaps, as plain JSON.

    ``version`` is the tool's own word. It is recorded, and not part of ``digest``: a new version needs no new pin.
    """

    environment: Mapping[str, Any]
    exceptions: tuple[Mapping[str, str], ...]
    version: str

    @classmethod
    def of(cls, env: Environment, exceptions: Sequence[ExceptionRule], version: str) -> EffectiveRules:
        """The rules of an environment, whatever the command line changed of how it is looked at."""
        rows = [{**asdict(rule), "until": rule.until.isoformat()} for rule in exceptions]
        return cls(env.rules(), tuple(rows), version)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of environment and exceptions: what is pinned and approved."""
        return _sha(self.to_json())

    def digest_with(self, overrides: Iterable[Override]) -> str:
        """SHA-256 of all that a run is judged by: the rules, the gates overridden by name, and the version."""
        rows = [{**asdict(override), "until": override.until.isoformat()} for override in overrides]
        return _sha([self.to_json(), rows, self.version])

    def record_with(self, overrides: Iterable[Override]) -> dict[str, Any]:
        """What a run's record keeps: both digests, the version and the rules themselves, exceptions and all."""
        digests = {"digest": self.digest_with(overrides), "pinned": self.digest}
        return {**digests, "version": self.version, **self.to_json()}

    def to_json(self) -> dict[str, Any]:
        """Environment and exceptions as plain JSON."""
        return {"environment": dict(self.environment), "exceptions": [dict(row) for row in self.exceptions]}


@dataclass(frozen=True)
class PinnedRules:
    """The rules that an approver pinned, at a time in UTC. ``digest`` is "" where the item cannot be read.

    ``userid`` is the key that AWS vouches for; ``arn`` and ``person`` are what the writer says.
    """

    userid: str
    arn: str
    person: str
    at: datetime
    digest: str
    environment: Mapping[str, Any]
    exceptions: tuple[Mapping[str, Any], ...]


def digest_of(environment: Mapping[str, Any], exceptions: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of rules as they are stored."""
    return _sha({"environment": dict(environment), "exceptions": [dict(row) for row in exceptions]})


def differences(here: EffectiveRules, pinned: PinnedRules) -> list[str]:
    """What of the rules here is not as it was pinned, a sentence's part each; the first few, and how many more."""
    parts = [*_changed_settings(here.environment, pinned.environment), *_other_exceptions(here, pinned)]
    more = len(parts) - _MOST_NAMED
    return parts if more <= 0 else [*parts[:_MOST_NAMED], f"{more} more"]


def _changed_settings(here: Mapping[str, Any], pinned: Mapping[str, Any]) -> Iterator[str]:
    now, then = dict(_flat(_whole(here))), dict(_flat(_whole(pinned)))
    for key in sorted(now.keys() | then.keys()):
        if now.get(key) != then.get(key):
            yield f"{key} is {_value_text(now.get(key))} (pinned: {_value_text(then.get(key))})"


def _whole(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings with their defaults; as they are where this version cannot read them."""
    try:
        # With their defaults: a setting that is left out and one that says the default are one rule.
        return Environment.model_validate(dict(settings)).model_dump(mode="json", exclude=_NO_RULES)
    except ValidationError:
        return settings


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        yield path, value
        return
    for name, inner in value.items():
        yield from _flat(inner, f"{path}.{name}" if path else str(name))


def _value_text(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def _other_exceptions(here: EffectiveRules, pinned: PinnedRules) -> Iterator[str]:
    rows, known = list(map(dict, here.exceptions)), list(map(dict, pinned.exceptions))
    for row in rows:
        if row not in known:
            yield f"the exception of {_exception(row)} is not pinned"
    for row in known:
        if row not in rows:
            yield f"the pinned exception of {_exception(row)} is missing"


def _exception(row: Mapping[str, Any]) -> str:
    return f"{row.get('check')} for {row.get('subject')} until {row.get('until')}"


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
