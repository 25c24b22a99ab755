"""Whether a listener's rule takes a request: its conditions on host, path and headers, all of them (RuleCondition)."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

Condition = dict[str, Any]
# ELB knows * and ? alone; fnmatch takes [ as well, which no host name holds.
_WILD = frozenset("*?[")


def matches(conditions: list[Condition], host: str, headers: Mapping[str, str], path: str = "/") -> bool:
    """Whether a rule's conditions match; a rule without one on host or path, and the default, do not.

    ``headers`` are the request's, by their names in lower case.
    """
    hosts, paths = hosts_of(conditions), _paths_of(conditions)
    is_for_host = _any_of(hosts, host) if hosts else bool(paths)
    # a path is compared as it is written (ELB guide, path conditions)
    is_for_path = not paths or any(fnmatch.fnmatchcase(path, pattern) for pattern in paths)
    return is_for_host and is_for_path and headers_suffice(conditions, headers)


def _paths_of(conditions: list[Condition]) -> list[str]:
    return [p for c in conditions if c.get("Field") == "path-pattern" for p in _values(c, "PathPatternConfig")]


def hosts_of(conditions: list[Condition]) -> list[str]:
    """The patterns of a rule's conditions on the host."""
    return [p for c in conditions if c.get("Field") == "host-header" for p in _values(c, "HostHeaderConfig")]


def headers_suffice(conditions: list[Condition], headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers has what the rule's conditions on headers demand."""
    return all(
        _header_matches(condition, headers) for condition in conditions if condition.get("Field") == "http-header"
    )


def groups_of(action: Any) -> list[str]:
    """The ARNs of the target groups that an action forwards to."""
    # One group in the older field, several with weights in the newer one (API_Action).
    rows = (action.data.get("ForwardConfig") or {}).get("TargetGroups") or [action.data]
    return [str(row["TargetGroupArn"]) for row in rows if row.get("TargetGroupArn")]


def _header_matches(condition: Condition, headers: Mapping[str, str]) -> bool:
    # Names of headers are the same in any case (API_HttpHeaderConditionConfig).
    name = str(condition["HttpHeaderConfig"]["HttpHeaderName"]).lower()
    return name in headers and _any_of(_values(condition, "HttpHeaderConfig"), headers[name])


def _values(condition: Condition, config: str) -> list[str]:
    return list((condition.get(config) or {}).get("Values") or condition.get("Values") or ())


def _any_of(patterns: list[str], value: str) -> bool:
    plain = value.lower()
    return any(_fits(plain, pattern.lower()) for pattern in patterns)


def _fits(value: str, pattern: str) -> bool:
    """Whether ``value`` is the pattern's; most patterns are plain names, and a visit compares those of all tenants."""
    return value == pattern or (not _WILD.isdisjoint(pattern) and fnmatch.fnmatchcase(value, pattern))
