"""A plain HTTP service: an answer of an expected status is its own unless a stranger's host gets the same."""

from __future__ import annotations

from dr_estate.config.profiles.profile import Profile

PROFILE = Profile(probe_path="/", names_host=False)
