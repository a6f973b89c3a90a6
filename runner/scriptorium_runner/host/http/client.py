"""The requests of all scripts of a runner, one host at a time: no redirects, no cookies, no lookup later.

A connection is made to an address that was judged for this very request, and is shared only among requests to
that address under the same name. The name goes into Host, SNI and the check of the certificate.
"""

import asyncio
import io
import socket
import ssl
import time
from collections.abc import Callable
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from scriptorium_api.host_patterns import Address, HostPattern
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http import addresses, responses, routes
from scriptorium_runner.host.http.addresses import Judge
from scriptorium_runner.host.http.breakers import Breakers
from scriptorium_runner.host.http.failures import Code, failure
from scriptorium_runner.host.http.lookups import Lookup, SystemLookup
from scriptorium_runner.host.http.requests import Redirect, Request
from scriptorium_runner.host.http.responses import Answer
from scriptorium_runner.host.http.routes import Route
from scriptorium_runner.host.http.settings import HttpSettings
from scriptorium_runner.host.http.targets import Target

#: Connections of one runner, idle ones included; a script that wants more waits within its own time.
_CONNECTIONS = 256

_OURS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "scriptorium"}
_BY_SCRIPT_ALONE = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

#: Codes that speak of a host that does not answer.
_NO_ANSWER = frozenset({Code.HOST_NOT_FOUND, Code.CONNECTION_FAILED, Code.TLS_FAILED, Code.PROXY_FAILED})
#: Codes that come before anything was asked of the host.
_NOT_ASKED = frozenset({Code.ADDRESS_NOT_ALLOWED})


class HttpClient:
    """One for the life of a runner; used by `async with`."""

    def __init__(
        self,
        settings: HttpSettings,
        *,
        judge: Judge | None = None,
        look_up: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._judge = judge or (lambda address, _: addresses.judge_address(address, settings.denied_networks))
        self._system = SystemLookup(clock) if look_up is None else None
        self._look_up: Lookup = look_up or self._system  # type: ignore[assignment]
        self._breakers = Breakers(clock)
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opened:
            await self._opened.close()
        if self._system:
            self._system.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Give the session, made when it is asked for first: it reads every certificate of the system."""
        if self._opened is None:
            self._opened = _open_session(self.settings)
        return self._opened

    async def exchange(self, request: Request, pattern: HostPattern, deadline: float) -> Answer:
        """Send a request to a host that the Script names, and read its answer; raises HostError.

        The deadline is the loop's time. The pattern is what names the host; addresses are judged here.
        """
        self._breakers.enter(request.target)
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._reach(request, pattern)
        except TimeoutError:
            waited = asyncio.get_running_loop().time() - started
            self._note_timeout(request.target, waited)
            raise failure(
                Code.TIMEOUT, f"{request.target.authority} took longer than {waited:.1f} s"
            ) from None
        except HostError as error:
            self._note_error(request.target, error)
            raise
        except BaseException:
            # The run was cancelled, which says nothing of the host.
            self._breakers.note_nothing(request.target)
            raise
        self._breakers.note_answer(request.target)
        return answer

    def _note_timeout(self, target: Target, waited: float) -> None:
        """Blame the host only for what the platform finds long: a script may be as impatient as it likes."""
        if waited >= self.settings.connect_seconds:
            self._breakers.note_failure(target)
        else:
            self._breakers.note_nothing(target)

    def _note_error(self, target: Target, error: HostError) -> None:
        if error.code in _NO_ANSWER:
            self._breakers.note_failure(target)
        elif error.code in _NOT_ASKED:
            self._breakers.note_nothing(target)
        else:
            self._breakers.note_answer(target)

    async def _reach(self, request: Request, pattern: HostPattern) -> Answer:
        route = await self._find_route(request.target, pattern)
        last = failure(Code.CONNECTION_FAILED, f"{request.target.authority} cannot be reached")
        for host in route.hosts:
            try:
                return await self._ask(request, host, route)
            except _NotConnected as error:
                # Nothing was sent: another address of the host may do better.
                last = error.reason
        raise last

    async def _find_route(self, target: Target, pattern: HostPattern) -> Route:
        found = (target.address,) if target.address else await self._find_addresses(target)
        return routes.decide_route(target, found, pattern, self._judge, self.settings)

    async def _find_addresses(self, target: Target) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(self.settings.connect_seconds):
                found = await self._look_up(target.host)
        except TimeoutError:
            found = ()
        if not found and not (self.settings.proxy and self.settings.proxy_resolves):
            raise failure(Code.HOST_NOT_FOUND, f"{target.host} has no address")
        return found

    async def _ask(self, request: Request, host: str, route: Route) -> Answer:
        authority = request.target.authority
        try:
            return await self._send(request, host, route)
        except aiohttp.ClientSSLError as error:
            raise failure(Code.TLS_FAILED, f"{authority}: {_explain_tls(error)}") from error
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            raise failure(
                Code.PROXY_FAILED, f"the platform's proxy did not connect to {authority}"
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _NotConnected(authority) from error
        except aiohttp.ClientResponseError as error:
            raise failure(Code.INVALID_RESPONSE, f"{authority} answered what is no HTTP") from error
        except aiohttp.ClientPayloadError as error:
            raise failure(Code.INVALID_RESPONSE, f"the answer of {authority} broke off") from error
        except aiohttp.ClientError as error:
            raise failure(Code.CONNECTION_FAILED, f"{authority} closed the connection") from error

    async def _send(self, request: Request, host: str, route: Route) -> Answer:
        async with self.session.request(
            request.method,
            write_url(request.target, host),
            headers=_OURS | {"host": request.target.authority} | request.headers,
            data=None if request.body is None else io.BytesIO(request.body),
            allow_redirects=False,
            server_hostname=request.target.host,
            proxy=self.settings.proxy if route.is_proxied else None,
        ) as response:
            return await self._read(request, response)

    async def _read(self, request: Request, response: aiohttp.ClientResponse) -> Answer:
        if response.status < 200:
            raise failure(Code.INVALID_RESPONSE, f"{request.target.authority} wants to leave HTTP")
        headers, cookies = responses.read_headers(response.headers)
        head = Answer(status=response.status, headers=headers, set_cookie=cookies, body=b"")
        if head.location is not None and request.redirect is not Redirect.MANUAL:
            # Nobody reads the body of a redirect that is followed; an unread one ends the connection.
            return head
        chunks = response.content.iter_any()
        # The length that HEAD tells is that of a body which does not come.
        described = {} if request.method == "HEAD" else headers
        body = await responses.read_body(chunks, described, self.settings.max_response_bytes)
        return Answer(status=response.status, headers=headers, set_cookie=cookies, body=body)


class _NotConnected(Exception):
    """No connection came about, so nothing was sent."""

    def __init__(self, authority: str) -> None:
        super().__init__(authority)
        self.reason = failure(Code.CONNECTION_FAILED, f"{authority} cannot be reached")


class OnlyTheProxy(AbstractResolver):
    """Resolves the proxy's name and no other: addresses of hosts were found and checked before."""

    def __init__(self, proxy: str | None) -> None:
        self._host = URL(proxy).host if proxy else None
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the proxy's addresses; raises OSError for every other name."""
        if host != self._host:
            raise OSError(f"{host} was to be resolved by the connection")
        return await self._system.resolve(host, port, family)

    async def close(self) -> None:
        """Release nothing: the system's resolver holds nothing."""


def _open_session(settings: HttpSettings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=make_tls(settings),
            resolver=OnlyTheProxy(settings.proxy),
            limit=_CONNECTIONS,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        # All that is unpacked is counted by us.
        auto_decompress=False,
        # The proxy is a setting of ours; the process's environment has no say.
        trust_env=False,
        skip_auto_headers=_BY_SCRIPT_ALONE,
        timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_seconds),
    )


def make_tls(settings: HttpSettings) -> ssl.SSLContext:
    """Trust the system's authorities and the platform's own; certificates and names are always checked."""
    context = ssl.create_default_context()
    if settings.ca_bundle:
        context.load_verify_locations(cadata=settings.ca_bundle)
    context.set_alpn_protocols(["http/1.1"])
    return context


def write_url(target: Target, host: str) -> URL:
    """Give the URL of a target at an address; it is put together from parts, and never read again."""
    path, _, query = target.path.partition("?")
    authority = f"[{host}]:{target.port}" if ":" in host else f"{host}:{target.port}"
    return URL.build(scheme=target.scheme, authority=authority, path=path, query_string=query, encoded=True)


def _explain_tls(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else "not valid"
        return f"the certificate is not accepted: {reason}"
    return "no TLS connection came about"
