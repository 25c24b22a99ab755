"""S3 replication rules as the emulator keeps them (parsed XML): which objects they take, and how they are returned."""

from __future__ import annotations

from typing import Any

NUMBERS = ("Priority", "Minutes")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filter(rule: dict[str, Any]) -> tuple[str, dict[str, str]]:
    rule_filter = rule.get("Filter") or {}
    # Prefix and tags together stand in And (API_ReplicationRuleFilter).
    both = rule_filter.get("And") or rule_filter
    prefix = both.get("Prefix") or rule.get("Prefix") or ""
    tags = [tag for tag in _as_list(both.get("Tag")) if tag]
    return prefix, {tag["Key"]: tag.get("Value") or "" for tag in tags}


def takes(rule: dict[str, Any], key: str, tags: dict[str, str], delete_marker: bool) -> bool:
    """Return whether an enabled rule replicates this object, or this delete marker.

    Delete markers are replicated only where the rule enables it, or where it is of the old kind without Filter (T30).
    """
    prefix, wanted = _filter(rule)
    if rule["Status"] != "Enabled" or not key.startswith(prefix):
        return False
    if delete_marker:
        status = (rule.get("DeleteMarkerReplication") or {}).get("Status")
        # A rule of the first version, without Filter, replicates delete markers unless it says no.
        return status == "Enabled" if "Filter" in rule else status != "Disabled"
    return all(tags.get(name) == value for name, value in wanted.items())


def rule_answer(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule as GetBucketReplication answers it."""
    answer: dict[str, Any] = _typed_value({key: value for key, value in rule.items() if key != "Filter"})
    if "Filter" in rule:
        prefix, tags = _filter(rule)
        pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
        if pairs and ("And" in (rule["Filter"] or {})):
            answer["Filter"] = {"And": {"Prefix": prefix, "Tags": pairs}}
        else:
            answer["Filter"] = {"Tag": pairs[0]} if pairs else {"Prefix": prefix}
    return answer


def _typed_value(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        # Names with @ are attributes of the XML, not members of the API.
        return {key: _typed_value(inner, key) for key, inner in value.items() if not key.startswith("@")}
    return int(value) if name in NUMBERS else value
