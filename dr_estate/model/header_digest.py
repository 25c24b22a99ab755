"""A digest of an HTTP header's value, which may be a secret: two are compared, and neither is kept."""

from __future__ import annotations

from hashlib import sha256

_DIGITS = 12


def header_digest(value: str) -> str:
    """The digest of a value. Case does not count: load balancers compare without it (RuleCondition, http-header)."""
    return sha256(value.lower().encode()).hexdigest()[:_DIGITS]
