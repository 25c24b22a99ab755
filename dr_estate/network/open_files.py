"""How many files, connections among them, this process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress

# What macOS gives at most; connections to two regions, to sites and name servers are some hundred.
MANY = 10_240


def allow_open_files(many: int = MANY) -> None:
    """Ask for as many as the system gives: shells begin with 1,024, on macOS with 256."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = many if most == resource.RLIM_INFINITY else min(most, many)
    with suppress(ValueError, OSError):  # a system has limits that it does not name
        if before != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, wanted), most))
