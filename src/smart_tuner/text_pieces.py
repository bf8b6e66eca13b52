"""A long text in parts that a messenger takes."""

from __future__ import annotations

from collections.abc import Iterator


def pieces(text: str, limit: int) -> Iterator[str]:
    """A text in parts of at most `limit` UTF-16 units, as the server counts, cut at line ends."""
    while units(text) > limit:
        cut = limit
        while units(text[:cut]) > limit:
            cut -= 1
        line_end = text.rfind("\n", 1, cut + 1)
        yield text[: line_end if line_end > 0 else cut]
        text = text[line_end + 1 if line_end > 0 else cut :]
    yield text


def units(text: str) -> int:
    """Its length as the server counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
