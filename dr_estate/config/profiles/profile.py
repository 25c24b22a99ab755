"""The type of a profile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an application.

    ``probe_path`` is asked of a workload that has a host of its own. ``names_host``: its pages speak of the host that
    they were asked for. ``variables`` begin the names of those that its containers get: by them `init` knows it.
    ``posts`` are paths, below the site's own, to which people send what they write. ``own_schema``: each workload has a
    schema of its own, while those of others may share one.
    """

    probe_path: str
    names_host: bool
    variables: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    own_schema: bool = False
