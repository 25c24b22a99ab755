"""Endpoints of this machine whose name AWS's rules put an account before: no such name can be found.

S3 Control is asked at ``<account>.s3-control...``, and so at ``<account>.127.0.0.1`` where a sandbox is the endpoint.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dr_estate.aws.clock import is_loopback


def keep_loopback_hosts(heard: Any) -> None:
    """Let every client of ``heard``, a botocore session or a client's events, ask this machine by its own name."""
    heard.register("before-sign.s3-control", _keep_host, unique_id="loopback-hosts")


def _keep_host(request: Any, **_: Any) -> None:
    parts = urlsplit(request.url)
    bare = parts._replace(netloc=parts.netloc.partition(".")[2])
    if is_loopback(bare.geturl()):
        request.url = bare.geturl()
