"""Masking: what is hidden in a stream, and that it does not matter how the stream is cut."""

import base64
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.masking.streams import Masking

VALUE = "pa'ss \"w\\ord$/ü+12&<x>!"
OTHER = "abaabaabaaba"
TOKENS = [
    b"ghp_" + b"a1B2" * 9,
    b"AKIAIOSFODNN7EXAMPLE",
    b"https://ada:hunter22@example.org/",
    b"Authorization: Basic YWRhOmh1bnRlcjI=",
    b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
    b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEA\n-----END PRIVATE KEY-----",
]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut *data* at *places*."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


def streamed(masking: Masking, chunks: list[bytes]) -> tuple[bytes, int, int]:
    """What comes out when *chunks* go in one by one."""
    stream = masking.stream()
    given = b"".join(stream.feed(chunk) for chunk in chunks) + stream.feed(b"", last=True)
    return given, stream.known, stream.tokens


pieces = st.lists(
    st.one_of(
        st.sampled_from([VALUE.encode(), OTHER.encode(), base64.b64encode(b"x" + VALUE.encode()), *TOKENS]),
        st.builds(
            lambda whole, size: whole[:size], st.sampled_from([VALUE.encode(), *TOKENS]), st.integers(1, 60)
        ),
        st.text("aabbAeyJghp_.: \n/@-", max_size=12).map(str.encode),
        st.binary(max_size=8),
    ),
    max_size=8,
).map(b"".join)


@given(pieces, st.lists(st.integers(0, 10_000), max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_cut_gives_the_same(data: bytes, places: list[int]) -> None:
    """However a stream is cut into chunks, the same bytes and the same counts come out."""
    masking = Masking([VALUE, OTHER])
    whole = masking.show(data)
    assert streamed(masking, cut(data, places)) == whole
    assert streamed(masking, [bytes([one]) for one in data]) == whole
    assert len(whole.data) == len(data)
