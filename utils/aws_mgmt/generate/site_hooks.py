"""Hooks of mkdocs: a link to a file beside docs/ is text on the site, which draws its diagrams by itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

MERMAID = Path(__file__).parents[3] / ".tools" / "mkdocs" / "mermaid.min.js"
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page without its links to files of the repository."""
    return _OUTSIDE.sub(r"\1", markdown)


def on_post_build(config: Any, **_: Any) -> None:
    """Put the library that draws the diagrams beside the pages, where mkdocs.yml names it."""
    shutil.copy(MERMAID, config["site_dir"])
