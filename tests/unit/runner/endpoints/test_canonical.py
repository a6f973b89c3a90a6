import re
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptorium_runner.endpoints.canonical import read_path

GOOD = {
    "/": (),
    "/orders": ("orders",),
    "/orders/": ("orders", ""),
    "/orders/17": ("orders", "17"),
    "/a.b/..c/...": ("a.b", "..c", "..."),
    "/~user_name-1": ("~user_name-1",),
    "/caf%C3%A9": ("café",),
    "/caf%c3%a9": ("café",),
    "/%F0%9F%98%80": ("😀",),
    "/two%20words": ("two words",),
    "/two+words": ("two+words",),
    "/100%25": ("100%",),
    "/%252e%252e": ("%2e%2e",),
    "/a;v=1,2/$&'()*!@:": ("a;v=1,2", "$&'()*!@:"),
    "/[1]|^": ("[1]|^",),
    "/%7Bid%7D": ("{id}",),
    "/a%3Fb%23c": ("a?b#c",),
    "/line%0Abreak": ("line\nbreak",),
}

BAD = {
    "nothing": "",
    "no path": "*",
    "no slash at the beginning": "orders",
    "a URL": "http://shop.example.com/orders",
    "two slashes": "//",
    "two slashes at the beginning": "//orders",
    "two slashes within": "/a//b",
    "two slashes at the end": "/a//",
    "a dot": "/.",
    "a dot within": "/a/./b",
    "a dot at the end": "/a/.",
    "two dots": "/..",
    "two dots within": "/a/../b",
    "two dots at the end": "/a/..",
    "dots and a slash at the end": "/a/../",
    "an escaped dot": "/a/%2e/b",
    "two escaped dots": "/a/%2e%2e/b",
    "two escaped dots, in capitals": "/a/%2E%2E/b",
    "one of two dots escaped": "/a/.%2e/b",
    "an escaped dot in a name": "/a%2Eb",
    "an escaped letter": "/%61dmin",
    "an escaped digit": "/%30",
    "an escaped tilde": "/%7euser",
    "an escaped hyphen": "/a%2Db",
    "an escaped underscore": "/a%5Fb",
    "an escaped slash": "/a%2fb",
    "an escaped slash, in capitals": "/a%2Fb",
    "a backslash": "/a\\b",
    "an escaped backslash": "/a%5cb",
    "an escaped NUL": "/a%00b",
    "a NUL": "/a\0b",
    "a line's end": "/a\n",
    "a tab": "/a\tb",
    "a delete": "/a\x7f",
    "a space": "/a b",
    "a question mark": "/a?b",
    "a hash": "/a#b",
    "a letter that is not ASCII": "/café",
    "half a byte": "/a\udcc3",
    "braces": "/{id}",
    "a quotation mark": '/"a"',
    "an angle bracket": "/<a>",
    "a lone percent": "/100%",
    "a short escape": "/%4",
    "an escape of no number": "/%zz",
    "an escape with a sign": "/%+1",
    "an escape of UTF-16": "/%u002e",
    "a byte that is not UTF-8": "/%FF",
    "half a character": "/%C3",
    "a character across a slash": "/%C3/%A9",
    "an overlong slash": "/%C0%AF",
    "an overlong dot": "/%C0%AE",
    "an overlong NUL": "/%C0%80",
    "a longer overlong slash": "/%E0%80%AF",
    "a surrogate": "/%ED%A0%80",
    "beyond Unicode": "/%F4%90%80%80",
}


@pytest.mark.parametrize("path", GOOD)
def test_a_canonical_path_is_read(path: str) -> None:
    assert read_path(path) == GOOD[path]


@pytest.mark.parametrize("name", BAD)
def test_any_other_path_is_not(name: str) -> None:
    assert read_path(BAD[name]) is None


PIECES = st.sampled_from(
    [
        *"/.ab1~-_%\\ ?#{}|+;=:@\0\n\x7fé",
        *("%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%00", "%61", "%C3%A9", "%c3%a9", "%C3", "%A9", "%20"),
        *("%C0%AF", "%C0%AE", "%E0%80%AF", "%ED%A0%80", "%FF", "%25", "%252e", "..", "//", "/./", "/../"),
    ]
)
#: Of these most are taken, so that what should not be is noticed.
FEW = st.sampled_from(
    ["a", "1", ".", "/", "+", "%20", "%25", "%C3%A9", "%c3%a9", "%61", "%2e", "%2F", "%5c", "%00"]
)
PATHS = (st.lists(FEW, max_size=4) | st.lists(PIECES, max_size=12)).map(
    lambda pieces: "/" + "".join(pieces)
) | st.text(max_size=20)


#: What may be written as it is or escaped.
FREE = "!$&'()*+,;=:@[]|^"


def with_usual_escapes(path: str) -> str:
    """Give the path with escapes in capitals, and none where none is needed."""

    def write(found: re.Match[str]) -> str:
        sign = chr(int(found[0][1:], 16))
        return sign if sign in FREE else found[0].upper()

    return re.sub("%[0-9A-Fa-f]{2}", write, path)


@given(PATHS)
@example("/%c3%a9/a%20b/%5B(1)]")
def test_what_is_taken_is_what_urllib_writes_for_its_segments(path: str) -> None:
    segments = read_path(path)
    if segments is not None:
        written = "/" + "/".join(quote(each, safe=FREE) for each in segments)
        assert written == with_usual_escapes(path)


@given(PATHS)
def test_nothing_is_taken_that_anybody_might_read_otherwise(path: str) -> None:
    segments = read_path(path)
    if segments is None:
        return
    assert path.startswith("/")
    assert "//" not in path
    assert "\\" not in path
    assert not {"/", "\\", "\0"} & set("".join(segments))
    assert not {".", ".."} & set(segments)
    assert "" not in segments[:-1]
    assert path.isascii()
    assert path.isprintable()
    once = unquote_to_bytes(path).decode()
    assert once == "/" + "/".join(segments)


@given(st.lists(st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1)))
def test_every_name_can_be_written(segments: list[str]) -> None:
    path = "/" + "/".join(quote(each, safe="") for each in segments)
    expected = None if {".", ".."} & set(segments) else tuple(segments)
    assert read_path(path) == expected
