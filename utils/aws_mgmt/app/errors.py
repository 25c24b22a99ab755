"""Errors that end a command: what cannot be asked, and what a rule refuses."""

from __future__ import annotations


class UsageError(Exception):
    """What was asked cannot be asked; the message says what can."""


class Refused(Exception):
    """A guard refused; the message names the rule and what to use instead."""
