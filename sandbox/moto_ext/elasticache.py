"""ElastiCache: the list of serverless caches, which the emulator lacks (API_DescribeServerlessCaches).

None can be made here either, so the list is empty: a reader that asks for it is answered, as on AWS.
"""

from __future__ import annotations

from typing import Any

from moto.elasticache.responses import ElastiCacheResponse

from sandbox.core.patching import operation


@operation(ElastiCacheResponse, "describe_serverless_caches")
def _list(_response: ElastiCacheResponse, _params: dict[str, Any]) -> dict[str, Any]:
    return {"ServerlessCaches": []}
