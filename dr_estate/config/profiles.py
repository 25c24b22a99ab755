"""Profiles: what is known of the application that the workloads run."""

from __future__ import annotations

from collections.abc import Mapping
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


# The login page has the site's own host in each of its links, and reads the database.
WORDPRESS = Profile(
    probe_path="/wp-login.php",
    names_host=True,
    variables=("WORDPRESS_",),
    posts=("wp-login.php", "wp-admin/post.php"),
    own_schema=True,
)
# A plain HTTP service: an answer of an expected status is its own unless a stranger's host gets the same.
HTTP = Profile(probe_path="/", names_host=False)

# Each profile by its name in an environment file.
PROFILES: Mapping[str, Profile] = {"wordpress": WORDPRESS, "http": HTTP}
