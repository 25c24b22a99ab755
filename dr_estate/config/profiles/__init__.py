"""Profiles: what is known of the application that the workloads run, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from dr_estate.config.profiles import http, wordpress
from dr_estate.config.profiles.profile import Profile

PROFILES: Mapping[str, Profile] = {"wordpress": wordpress.PROFILE, "http": http.PROFILE}
