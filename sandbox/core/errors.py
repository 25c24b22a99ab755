"""What the sandbox says when it cannot do as asked."""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox cannot do as asked. The message is one sentence for the person at the keyboard."""
