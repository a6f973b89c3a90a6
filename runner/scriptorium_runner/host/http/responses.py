"""What comes back: read piece by piece, never more than is allowed, and unpacked with an eye on the size."""

import base64
import codecs
import re
import zlib
from collections.abc import AsyncIterable
from typing import Any

from multidict import CIMultiDictProxy

from scriptorium_api.values import frozen
from scriptorium_runner.host import quotes
from scriptorium_runner.host.http.failures import Code, failure
from scriptorium_runner.host.http.requests import Request, ResponseType

#: What all headers of an answer may hold together.
MAX_HEADER_BYTES = 64 * 1024

REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: gzip's own head and tail; what zlib calls its window size.
_GZIP, _ZLIB, _RAW = 31, 15, -15

_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)
#: What browsers decode too. Python knows more, some of which run code paths made for other things.
_CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (
        *(
            "ascii",
            "utf-8",
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "gb18030",
            "gbk",
            "big5",
            "euc-jp",
            "shift-jis",
        ),
        *(
            "euc-kr",
            "koi8-r",
            "koi8-u",
            *(f"cp125{n}" for n in range(9)),
            *(f"iso8859-{n}" for n in range(1, 9)),
        ),
    )
)


@frozen(kw_only=True)
class Answer:
    """One answer of one host."""

    status: int
    headers: dict[str, str]
    set_cookie: tuple[str, ...]
    body: bytes

    @property
    def location(self) -> str | None:
        """Give where the host says to look instead; None if it is no redirect."""
        return self.headers.get("location") if self.status in REDIRECTS else None


def read_headers(received: CIMultiDictProxy[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give headers by names in lower case, those of one name joined as `fetch` does; the cookies apart."""
    if sum(len(name) + len(value) for name, value in received.items()) > MAX_HEADER_BYTES:
        raise failure(Code.RESPONSE_TOO_LARGE, f"the headers hold more than {MAX_HEADER_BYTES} bytes")
    found: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in received.items():
        key, text = name.lower(), _mend(value)
        if key == "set-cookie":
            cookies.append(text)
        else:
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found, tuple(cookies)


async def read_body(chunks: AsyncIterable[bytes], headers: dict[str, str], most: int) -> bytes:
    """Read and unpack a body; raises HostError as soon as it is too large, and before it is stored."""
    if headers.get("content-length", "").isdecimal() and int(headers["content-length"][:20]) > most:
        raise _too_large(most)
    unpacker = Unpacker(headers.get("content-encoding", ""), most)
    async for chunk in chunks:
        unpacker.feed(chunk)
    return unpacker.finish()


class Unpacker:
    """Unpacks one body, and counts what goes in as well as what comes out."""

    def __init__(self, encoding: str, most: int) -> None:
        self._encoding = encoding.strip().lower().removeprefix("x-")
        self._most = most
        self._received = 0
        self._body = bytearray()
        self._inflater: Any = None

    def feed(self, chunk: bytes) -> None:
        """Take a piece of what was received."""
        self._received += len(chunk)
        if self._received > self._most:
            raise _too_large(self._most)
        self._body += self._inflate(chunk) if self._is_packed() else chunk
        if len(self._body) > self._most:
            raise _too_large(self._most)

    def finish(self) -> bytes:
        """Give the body."""
        if self._inflater is not None and not self._inflater.eof:
            raise failure(Code.INVALID_RESPONSE, "the packed body ends too early")
        return bytes(self._body)

    def _is_packed(self) -> bool:
        if self._encoding in ("gzip", "deflate"):
            return True
        if self._encoding in ("", "identity"):
            return False
        raise failure(
            Code.INVALID_RESPONSE,
            f"the body is packed by {quotes.quote(self._encoding)}, which was not asked for",
        )

    def _inflate(self, chunk: bytes) -> bytes:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(self._find_format(chunk))
        if self._inflater.eof:
            raise failure(Code.INVALID_RESPONSE, "the body goes on after its packed part")
        try:
            # One byte more than there is room for shows that it is too much.
            out: bytes = self._inflater.decompress(chunk, self._most - len(self._body) + 1)
        except zlib.error:
            raise failure(Code.INVALID_RESPONSE, "the body cannot be unpacked") from None
        if self._inflater.unused_data:
            raise failure(Code.INVALID_RESPONSE, "the body goes on after its packed part")
        return out

    def _find_format(self, chunk: bytes) -> int:
        if self._encoding == "gzip":
            return _GZIP
        # "deflate" means zlib's format, and what many servers send is the bare one.
        return _ZLIB if chunk[0] & 0x0F == 8 else _RAW


def write_response(answer: Answer, request: Request, is_redirected: bool) -> dict[str, Any]:
    """Give what the script is told."""
    common = {
        "status": answer.status,
        "headers": answer.headers,
        "setCookie": list(answer.set_cookie),
        "url": request.target.url,
        "redirected": is_redirected,
    }
    if request.response_type is ResponseType.BYTES:
        return common | {"bodyBase64": base64.b64encode(answer.body).decode()}
    return common | {"body": decode(answer.body, answer.headers.get("content-type", ""))}


def decode(body: bytes, content_type: str) -> str:
    """Read a body as text; what is no text in its character set becomes U+FFFD, as everywhere on the web."""
    if body.startswith(codecs.BOM_UTF8):
        return body[3:].decode("utf-8", "replace")
    return _mend(body.decode(_find_charset(content_type), "replace"))


def _find_charset(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"


def _mend(text: str) -> str:
    """Replace bytes that the parser could not read as text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _too_large(most: int) -> Exception:
    return failure(Code.RESPONSE_TOO_LARGE, f"the body holds more than {most} bytes")
