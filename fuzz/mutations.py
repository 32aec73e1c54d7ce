"""Strategies that damage valid inputs in the ways that reveal mistakes of parsers."""

from __future__ import annotations

from hypothesis import strategies as st

Edit = tuple[str, int, bytes]

_BITS = [bytes([1 << bit]) for bit in range(8)]
_NUMBERS = [b"\0", b"\xff", b"\x7f", b"\x80", b" ", b"0", b"7", b"/", b".", b"\n", b"\0\0\0\0", b"\xff\xff\xff\xff"]

_edits: st.SearchStrategy[Edit] = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 1 << 16), st.sampled_from(_BITS)),
    st.tuples(st.just("put"), st.integers(0, 1 << 16), st.sampled_from(_NUMBERS) | st.binary(max_size=8)),
    st.tuples(st.just("insert"), st.integers(0, 1 << 16), st.binary(max_size=16)),
    st.tuples(st.just("cut"), st.integers(0, 1 << 16), st.binary(max_size=40)),
    st.tuples(st.just("end"), st.integers(0, 1 << 16), st.just(b"")),
    st.tuples(st.just("again"), st.integers(0, 1 << 16), st.binary(max_size=40)),
)


def mutated(inputs: st.SearchStrategy[bytes], *, most: int = 4) -> st.SearchStrategy[bytes]:
    """Inputs with up to ``most`` edits; many have none, so that valid ones are also tried."""
    return st.builds(_apply, inputs, st.lists(_edits, max_size=most))


def _apply(data: bytes, edits: list[Edit]) -> bytes:
    for kind, position, argument in edits:
        at, size = position % (len(data) + 1), len(argument)
        match kind:
            case "flip":
                changed = bytes(byte ^ argument[0] for byte in data[at : at + 1])
                data = data[:at] + changed + data[at + 1 :]
            case "put":
                data = data[:at] + argument + data[at + size :]
            case "insert":
                data = data[:at] + argument + data[at:]
            case "cut":
                data = data[:at] + data[at + size :]
            case "end":
                data = data[:at]
            case _:
                data = data[: at + size] + data[at:]
    return data
