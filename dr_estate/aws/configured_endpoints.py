"""Which endpoints stand for AWS by this machine's variables and AWS files, as botocore finds them. It asks AWS nothing.

Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints": variables go before files, one service's
before that of all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dr_estate.aws.clock import is_loopback

# Endpoints of this machine whose name AWS's rules put an account before: no such name can be found.
#
# S3 Control is asked at ``<account>.s3-control...``, and so at ``<account>.127.0.0.1`` where a sandbox is the endpoint.


def keep_loopback_hosts(heard: Any) -> None:
    """Let every client of ``heard``, a botocore session or a client's events, ask this machine by its own name."""
    heard.register("before-sign.s3-control", _keep_host, unique_id="loopback-hosts")


def _keep_host(request: Any, **_: Any) -> None:
    parts = urlsplit(request.url)
    bare = parts._replace(netloc=parts.netloc.partition(".")[2])
    if is_loopback(bare.geturl()):
        request.url = bare.geturl()


ENDPOINT = "AWS_ENDPOINT_URL"
_IGNORED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}


def configured_endpoints() -> tuple[str, dict[str, str]]:
    """The endpoint of all services, "" where it is AWS's own; and those of single services by their names."""
    if os.environ.get(_IGNORED, "").lower() == "true":
        return "", {}
    begins = f"{ENDPOINT}_"
    services = {name.removeprefix(begins).lower(): os.environ[name] for name in os.environ if name.startswith(begins)}
    endpoint = os.environ.get(ENDPOINT, "")
    if not any(map(_speaks_of_endpoints, _FILES)):
        return endpoint, services
    ignored, of_file, of_services = _in_files()
    # A variable goes before the file, also where it says false.
    if ignored and _IGNORED not in os.environ:
        return "", {}
    return (endpoint, services) if endpoint else (of_file, of_services | services)


def _speaks_of_endpoints(variable: str) -> bool:
    """Whether an AWS file says a word of endpoints: few do, and reading them as botocore does takes its time."""
    try:
        return b"endpoint_url" in Path(os.environ.get(variable) or _FILES[variable]).expanduser().read_bytes()
    except (OSError, RuntimeError):  # no such file, or no home directory: botocore reads none either
        return False


def _in_files() -> tuple[bool, str, dict[str, str]]:
    """Whether the files say that endpoints are ignored, and the profile's: of all services, and of single ones."""
    import botocore.exceptions
    import botocore.session

    session = botocore.session.Session()
    try:
        profile, sections = session.get_scoped_config(), session.full_config.get("services", {})
        ignored = str(session.get_config_variable("ignore_configured_endpoint_urls")).lower() == "true"
    except botocore.exceptions.BotoCoreError:  # the first call says what is wrong with them
        return False, "", {}
    of_services: Mapping[str, Any] = sections.get(profile.get("services", ""), {})
    rows = {name: row.get("endpoint_url", "") for name, row in of_services.items() if isinstance(row, Mapping)}
    return ignored, str(profile.get("endpoint_url", "")), {name: url for name, url in rows.items() if url}
