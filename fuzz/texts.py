"""Documents made from their format's vocabulary, which get further into a reader than damaged bytes do."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

# Texts that often break readers: control characters, writing directions, other alphabets, surrogates, paths.
ODD = [
    "\x1b[2J", "\x00", "\r", "\n", "\t", "\u202e", "\ufeff", "é", "\U0001f40d", "../", "/", "\\", "::error::", "##[x]",
    "%2e%2e%2f", "${x}", "`x`", "$(x)", '"', "'", '"""', "'''", "-", "--", ".", "..", " ", "1" * 5000, "[" * 40,
]  # fmt: skip

words = st.sampled_from(ODD) | st.text(max_size=12)


def documents(pieces: Sequence[str], *, most: int = 30, between: str = "\n") -> st.SearchStrategy[bytes]:
    """Texts of these pieces in any order, with an odd one here and there."""
    piece = st.sampled_from(list(pieces)) | st.sampled_from(list(pieces)) | st.sampled_from(list(pieces)) | words
    return st.lists(piece, max_size=most).map(lambda drawn: encoded(between.join(drawn)))


def encoded(text: str) -> bytes:
    """The text's bytes, also where it holds half of a surrogate pair."""
    return text.encode("utf-8", "surrogatepass")
