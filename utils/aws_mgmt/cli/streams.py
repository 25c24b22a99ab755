"""The standard streams: usable whatever the shell made of them, in any encoding, and written to the end."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO

_ESCAPED = "dr-escaped"
_COULD_NOT_SEE = 3  # exits.Exit, whose import would make `--help` slow
_CLOSED = (
    "Standard output is closed, so nobody could read the result: nothing was done. Send it to a terminal or a file."
)


def prepare() -> str:
    """Replace streams that are closed and let none fail on a character. Returns why no result can be written, or ""."""
    codecs.register_error(_ESCAPED, _escape)
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open as long as the process
    closed = sys.stdout is None
    sys.stdout = sys.stdout or _null_stream()
    sys.stderr = sys.stderr or _null_stream()
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, _ESCAPED), (sys.stderr, _ESCAPED)):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    return _CLOSED if closed else ""


def finish(code: int) -> int:
    """Write what is still buffered. Returns ``code``, or 3 where a result of exit code 0 could not be written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as unwritable:
        failed = unwritten(unwritable)
        code = code or failed
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        abandon(sys.stderr)
    return code


def unwritten(unwritable: Exception) -> int:
    """Say why the result could not be written. Returns the exit code for that."""
    abandon(sys.stdout)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"Standard output: {getattr(unwritable, 'strerror', None) or unwritable}.\n")
    return _COULD_NOT_SEE


def abandon(stream: TextIO) -> None:
    """Send what is left in the stream's buffer nowhere: the interpreter would complain of it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        # The descriptor and not the object: the interpreter flushes the old object when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _null_stream() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")


def _escape(error: UnicodeError) -> tuple[str, int]:
    """``\\uXXXX`` for what the encoding lacks: JSON stays JSON by that, which Python's own escapes break."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # By UTF-16: JSON writes what lies beyond U+FFFF as two escapes (RFC 8259, "Strings").
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4)), error.end
