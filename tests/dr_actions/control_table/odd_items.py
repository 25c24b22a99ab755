"""Each kind of item as a version writes it, and each DynamoDB value that could stand in an attribute's place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dr_estate.model.dynamodb_values import encode_item

AT, LATER = "2026-01-07T03:00:00.000000+00:00", "2026-01-07T03:02:00.000000+00:00"
RAN: dict[str, Any] = {
    "run": "run-1",
    "person": "Alice",
    "arn": "arn:aws:iam::1:user/alice",
    "incident": "INC-9",
    "token": 7,
    "taken_at": AT,
    "heartbeat_at": AT,
    "lease_until": LATER,
    "ended_at": AT,
    "outcome": "done",
}
RECORD: dict[str, Any] = {
    "run": "sit-status-1",
    "who": "Alice",
    "world": "aws",
    "verdict": "READY",
    "recommendation": "READY",
    "evidence": "",
    "report": "",
    "incident": "",
    "at": AT,
    "complete": True,
    "score": 100,
    "worst_lag_s": 3.5,
    "rto_s": None,
    "duration_s": 7.25,
    "phases": {"a": 1.5},
    "steps": {"b": [1, 2.5]},
}
DATABASE: dict[str, Any] = {
    **dict.fromkeys(("resource_id", "identifier", "instance_class", "storage_type"), "x"),
    **dict.fromkeys(("option_group", "parameter_group"), ""),
    **dict.fromkeys(("storage_gib", "storage_limit_gib", "iops", "throughput"), 100),
    **dict.fromkeys(("iam_authentication", "multi_az", "deletion_protection"), True),
    "copy_tags": True,
    "auto_minor_upgrade": False,
    "log_exports": ["error"],
    "at": AT,
}
OVERRIDDEN = {"gate": "fence.primary", "by": "Alice", "why": "silent", "until": "2099-01-01T00:00:00+00:00"}
WORDS = [{"at": AT, "paused": True, "why": "a storm"}]
APPROVED = {"plan": "abc", "environment": "prod", "arn": "arn:aws:iam::1:user/bob", "at": AT, "expires_at": LATER}

KINDS: dict[tuple[str, str], dict[str, Any]] = {
    ("LOCK", "RUN"): RAN,
    ("STANDING", "PAUSE"): {"who": "Alice", "why": "a storm", "at": AT, "closed_at": ""},
    ("STANDING", "INCIDENT"): {
        "incident": "INC-9",
        "goal": "failover",
        "since": AT,
        "phase": "open",
        "unprotected_since": "",
        "staged": True,
        "closed_at": "",
    },
    ("STANDING", "OVERRIDE#fence.primary"): {
        **OVERRIDDEN,
        "incident": "INC-9",
        "plan": "abc",
        "arn": "arn",
        "closed_at": "",
    },
    ("STANDING", "DATABASE"): DATABASE,
    ("STANDING", "REFUSAL"): {"incident": "INC-9", "execution": "abc", "says": "lock.cool-down: wait.", "at": AT},
    ("PAUSE#AIDA9", "PAUSE"): {"who": "Alice", "words": WORDS},
    ("HISTORY", f"{AT}#PAUSE"): {"by": "Alice", "values": {"why": "a storm", "closed_at": ""}},
    ("HISTORY#status", f"{AT}#sit-status-1"): RECORD,
    ("RUN#INC-123", "run-1"): RAN,
    ("APPROVAL#AIDA9", "INC-123"): {**APPROVED, "rules": "", "points": ["Answer"], "overrides": [OVERRIDDEN]},
    ("APPROVAL#AIDA9", "#RULES"): {"digest": "x", "rules": "{}", "arn": "arn", "person": "bob", "at": AT},
    ("JOURNAL#INC-123", "000000001"): {"digest": "x", "text": "{}", "packed": False, "pieces": 1},
}
"""An item of each kind, without its key."""

_DEEP: dict[str, Any] = {"S": "x"}
for _ in range(31):  # DynamoDB: 32 levels at most
    _DEEP = {"L": [_DEEP]}
VALUES: dict[str, dict[str, Any] | None] = {
    "missing": None,
    "31 digits": {"N": "1" * 31},
    "38 digits": {"N": "9" * 38},
    "the greatest number": {"N": "9.9999999999999999999999999999999999999E+125"},
    "the smallest number": {"N": "-1E-130"},
    "a negative number": {"N": "-1"},
    "an empty text": {"S": ""},
    "a text": {"S": "x"},
    "a text of controls": {"S": "\x1b[2J\x00\r\n`dr_cli.py failover --execute`"},
    "a long text": {"S": "x" * 100_000},
    "a number as text": {"S": "1"},
    "the end of all time": {"S": "9999-12-31T23:59:59.999999+00:00"},
    "beyond all time": {"S": "9999-12-31T23:59:59-23:00"},
    "a time without a zone": {"S": "2026-01-07T03:00:00"},
    "binary": {"B": b"\x00\xff"},
    "no bytes": {"B": b""},
    "null": {"NULL": True},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "an empty list": {"L": []},
    "an empty map": {"M": {}},
    "a map": {"M": {"x": {"M": {"y": {"NULL": True}}}}},
    "lists in lists": _DEEP,
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "1E+100"]},
    "binaries": {"BS": [b"a", b""]},
}


def odd_items(key: tuple[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The item of ``key``, as DynamoDB's values, with each attribute in turn replaced by each value; and it whole."""
    item = encode_item({"pk": key[0], "sk": key[1], **KINDS[key]})
    yield "as it is", item
    yield "nothing but its key", encode_item({"pk": key[0], "sk": key[1]})
    for attribute in KINDS[key]:
        rest = {name: value for name, value in item.items() if name != attribute}
        for name, value in VALUES.items():
            yield f"{attribute}: {name}", {**rest, **({attribute: value} if value is not None else {})}
