"""Binds every scenario of this folder. The one binding module: a new feature needs nothing but its file."""

from __future__ import annotations

from pytest_bdd import scenarios

# A feature that is not bound is never judged: the folder as a whole leaves none out.
scenarios(".")
