"""Names of a failback's marker item in the platform's tables: its key, and the attribute that identifies it."""

from __future__ import annotations

KEY, ATTRIBUTE = "dr-marker", "dr_marker"
ONLY_A_MARKER = f"attribute_exists({ATTRIBUTE})"
"""The condition by which nothing but a marker is replaced or removed (DynamoDB, ConditionExpression)."""
