"""Bodies: what h11 reads, whatever way the bytes arrive, and no more than that."""

import itertools

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.foundation.http1.body import Chunked, FixedLength
from quickpoll.foundation.http1.head import BadHead

MAX_LINE = 1000


def ours(parts: list[bytes]) -> tuple[bytes, bytes] | None:
    """Content and rest; None where the framing is refused or not complete."""
    decoder = Chunked(MAX_LINE)
    content, rest = b"", b""
    try:
        for part in parts:
            if decoder.done:
                rest += part
                continue
            more, rest = decoder.feed(part)
            content += more
    except BadHead:
        return None
    return (content, rest) if decoder.done else None


def h11s(data: bytes) -> tuple[bytes, bytes] | None:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.next_event()
    connection.receive_data(data)
    content = b""
    try:
        while isinstance(event := connection.next_event(), h11.Data):
            content += event.data
    except h11.RemoteProtocolError:
        return None
    return (content, connection.trailing_data[0]) if isinstance(event, h11.EndOfMessage) else None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


GOOD = [
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    b"A;ext=1\r\n0123456789\r\n000\r\n\r\n",
    b'5;a;b="c" \r\nhello\r\n1\r\n!\r\n0;x\r\nTrailer: yes\r\nX:\r\n\r\nnext',
    b"2\r\n\r\n\r\n0\r\n\r\n",
]
BAD = {
    "no digits": b"\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "blank first": b" 5\r\nhello\r\n0\r\n\r\n",
    "blank inside": b"5 5\r\nhello\r\n0\r\n\r\n",
    "too many digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "bare LF after size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF in extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare CR in extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "longer than said": b"5\r\nhello!\r\n0\r\n\r\n",
    "no end of chunk": b"5\r\nhello0\r\n\r\n",
    "bare LF after chunk": b"5\r\nhello\n0\r\n\r\n",
    "bad trailer": b"0\r\nX : 1\r\n\r\n",
    "folded trailer": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "NUL in trailer": b"0\r\nX: \0\r\n\r\n",
    "endless extension": b"5;" + b"a" * MAX_LINE + b"\r\nhello\r\n0\r\n\r\n",
    "endless trailers": b"0\r\n" + b"X: 1\r\n" * 300 + b"\r\n",
}


@pytest.mark.parametrize("data", GOOD)
@given(places=st.lists(st.integers(0, 200), max_size=6))
def test_chunks_in_any_pieces(data: bytes, places: list[int]) -> None:
    assert ours(cut(data, places)) == h11s(data) != None  # noqa: E711 (both, and not None)


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@given(places=st.lists(st.integers(0, 200), max_size=6))
def test_bad_chunks_in_any_pieces(data: bytes, places: list[int]) -> None:
    assert ours(cut(data, places)) is None


def test_an_endless_line_is_refused_before_it_ends() -> None:
    decoder = Chunked(MAX_LINE)
    with pytest.raises(BadHead):
        decoder.feed(b"5;" + b"a" * MAX_LINE)


_pieces = st.sampled_from(
    [b"0", b"1", b"5", b"a", b";", b" ", b"\t", b"\r\n", b"\n", b"\r", b"hello", b"X", b":", b"\0"]
)


@given(st.lists(_pieces, max_size=16).map(b"".join), st.lists(st.integers(0, 60), max_size=4))
def test_never_laxer_than_h11(start: bytes, places: list[int]) -> None:
    data = start + b"\r\n0\r\n\r\n"
    result = ours(cut(data, places))
    assert result is None or result == h11s(data)


def test_many_tiny_chunks_cost_no_more_each() -> None:
    decoder = Chunked(MAX_LINE)
    content, rest = decoder.feed(b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\nrest")
    assert (len(content), rest, decoder.done) == (40_000, b"rest", True)


def test_fixed_length_takes_its_own_and_leaves_the_rest() -> None:
    decoder = FixedLength(5)
    assert decoder.feed(b"hel") == (b"hel", b"")
    assert (decoder.remaining, decoder.done) == (2, False)
    assert decoder.feed(b"loGET") == (b"lo", b"GET")
    assert (decoder.remaining, decoder.done) == (0, True)
