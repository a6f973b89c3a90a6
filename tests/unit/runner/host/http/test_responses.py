import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http.responses import MAX_HEADER_BYTES, Unpacker, decode, read_headers

MOST = 10_000


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": deflate_raw,
    "identity": bytes,
    "": bytes,
}


def unpack(encoding: str, data: bytes, piece: int = 100) -> bytes:
    unpacker = Unpacker(encoding, MOST)
    for start in range(0, len(data), piece):
        unpacker.feed(data[start : start + piece])
    return unpacker.finish()


def refuse(encoding: str, data: bytes) -> str:
    with pytest.raises(HostError) as caught:
        unpack(encoding, data)
    return caught.value.code


@pytest.mark.parametrize("encoding", PACKERS)
@given(data=st.binary(max_size=500), piece=st.integers(1, 100))
def test_a_body_is_unpacked_however_it_arrives(encoding: str, data: bytes, piece: int) -> None:
    assert unpack(encoding, PACKERS[encoding](data), piece) == data


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_body_may_be_as_large_as_is_allowed_and_no_byte_larger(encoding: str) -> None:
    assert len(unpack(encoding, PACKERS[encoding](bytes(MOST)))) == MOST
    assert refuse(encoding, PACKERS[encoding](bytes(MOST + 1))) == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_found_out_before_it_goes_off(encoding: str) -> None:
    assert refuse(encoding, PACKERS[encoding](bytes(50_000_000))) == "RESPONSE_TOO_LARGE"


def test_a_bomb_takes_no_more_memory_than_a_body_may() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(HostError):
        Unpacker("gzip", MOST).feed(bomb[:MOST])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_packed_emptiness_is_counted_too() -> None:
    empty_blocks = b"\x00\x00\x00\xff\xff" * MOST
    assert refuse("deflate", empty_blocks) == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"a" * 100)[:-9]),
        ("gzip", gzip.compress(b"a") + gzip.compress(b"b")),
        ("gzip", gzip.compress(b"a") + b"tail"),
        ("gzip", gzip.compress(b"a").ljust(200, b"x")),
        ("deflate", b"\x78\x9cnonsense"),
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"a"))),
        ("gzip,br", b"x"),
        ("x" * 5000, b"x"),
    ],
)
def test_what_cannot_be_unpacked_is_no_answer(encoding: str, data: bytes) -> None:
    assert refuse(encoding, data) == "INVALID_RESPONSE"


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_no_body_is_packed_by_nothing(encoding: str) -> None:
    assert unpack(encoding, b"") == b""


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "text/plain", "é"),
        ("é".encode(), "text/plain; charset=utf-8", "é"),
        ("é".encode("latin-1"), "text/plain; charset=ISO-8859-1", "é"),
        ("é".encode("cp1252"), 'text/plain; charset="windows-1252"', "é"),
        ("语".encode("gbk"), "text/html; charset=gbk", "语"),
        ("語".encode("shift-jis"), "text/html; charset=Shift_JIS", "語"),
        ("é".encode("utf-16"), "text/plain; charset=utf-16", "é"),
        (b"\xef\xbb\xbf" + "é".encode(), "text/plain; charset=latin-1", "é"),
        (b"\xff\xfe!", "text/plain", "\ufffd\ufffd!"),
        (b"+AGE-", "text/plain; charset=utf-7", "+AGE-"),
        (b"\\x41", "text/plain; charset=unicode_escape", "\\x41"),
        (b"YQ==", "text/plain; charset=base64", "YQ=="),
        (b"a", "text/plain; charset=no-such-set", "a"),
        (b"a", "text/plain; charset=" + "x" * 5000, "a"),
        (b"\xed\xa0\x80", "text/plain", "\ufffd\ufffd\ufffd"),
    ],
)
def test_a_body_is_text_in_its_character_set(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


def test_headers_of_one_name_are_joined_and_cookies_kept_apart() -> None:
    received = CIMultiDictProxy(
        CIMultiDict(
            [("Vary", "a"), ("vary", "b"), ("Set-Cookie", "a=1, b"), ("Set-Cookie", "c=2"), ("X", "\udcff")]
        )
    )
    assert read_headers(received) == ({"vary": "a, b", "x": "\ufffd"}, ("a=1, b", "c=2"))


def test_headers_hold_so_much_and_no_more() -> None:
    received = CIMultiDictProxy(CIMultiDict({"x": "a" * MAX_HEADER_BYTES}))
    with pytest.raises(HostError, match="headers hold more"):
        read_headers(received)
