"""The text of a PDF that Chromium printed, by its fonts' own tables (ToUnicode): what stands on the paper."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_FONT = re.compile(rb"/(F\d+) (\d+) 0 R")
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>")
_ROWS = re.compile(rb"begin(bfchar|bfrange)\n(.*?)end\1", re.DOTALL)


def squeezed(text: str) -> str:
    """The text as two printings of it are compared: without blanks and ligatures, in small letters."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_of(paper: bytes) -> str:
    """The text of all pages, squeezed: where blanks stand is a matter of places on the page."""
    objects = {int(number): body for number, body in _OBJECT.findall(paper)}
    pages = [body for body in objects.values() if re.search(rb"/Type /Page\b", body)]
    return squeezed("".join(part for page in pages for part in _shown(page, objects)))


def _shown(page: bytes, objects: dict[int, bytes]) -> Iterator[str]:
    named = _FONT.findall(_resources(page, objects))
    fonts = {name: _characters(objects[int(number)], objects) for name, number in named}
    current: dict[int, str] = {}
    content = re.search(rb"/Contents (\d+) 0 R", page)
    assert content is not None
    for font, codes in _SHOWN.findall(_content(objects[int(content[1])])):
        if font:
            current = fonts[font]
        else:
            yield "".join(current.get(int(codes[n : n + 4], 16), "") for n in range(0, len(codes), 4))


def _resources(page: bytes, objects: dict[int, bytes]) -> bytes:
    referred = re.search(rb"/Resources (\d+) 0 R", page)
    return objects[int(referred[1])] if referred else page


def _content(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    assert stream is not None
    # One in 256 ends with a carriage return of its own, which the pattern takes: of the checksum, and of no text.
    return zlib.decompressobj().decompress(stream[1]) if b"/FlateDecode" in body else stream[1]


def _characters(font: bytes, objects: dict[int, bytes]) -> dict[int, str]:
    """The text of each glyph, by ``<code> <text>`` and ``<first> <last> <text of the first>``."""
    table, found = re.search(rb"/ToUnicode (\d+) 0 R", font), dict[int, str]()
    if table is None:
        return found
    for kind, rows in _ROWS.findall(_content(objects[int(table[1])])):
        for row in rows.splitlines():
            *codes, text = [bytes.fromhex(part.decode()) for part in re.findall(rb"<([0-9A-Fa-f]+)>", row)]
            first, begin = int.from_bytes(codes[0]), text.decode("utf-16-be")
            last = int.from_bytes(codes[-1]) if kind == b"bfrange" else first
            found |= {first + n: begin[:-1] + chr(ord(begin[-1]) + n) for n in range(last - first + 1)}
    return found
