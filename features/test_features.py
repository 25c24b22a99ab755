"""Binds every scenario of this folder. The one binding module: a new feature needs nothing but its file."""

from __future__ import annotations

from pytest_bdd import scenarios

scenarios(".")
