"""Names of a failback's markers: the table in a database, the file, and the item's key and attribute in a table."""

from __future__ import annotations

TABLE, FILE = "dr_marker", ".dr-marker.json"
KEY, ATTRIBUTE = "dr-marker", "dr_marker"
# The condition by which nothing but a marker is replaced or removed (DynamoDB, ConditionExpression).
ONLY_A_MARKER = f"attribute_exists({ATTRIBUTE})"
