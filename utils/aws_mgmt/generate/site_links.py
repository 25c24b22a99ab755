"""A hook of mkdocs: a link to a file beside docs/ is text on the site, which holds docs/ alone."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page without its links to files of the repository."""
    return _OUTSIDE.sub(r"\1", markdown)
