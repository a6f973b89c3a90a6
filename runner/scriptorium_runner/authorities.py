"""The certificate authorities that the system trusts: reading all of them takes as long as many imports."""

import contextlib
import os
from collections.abc import Iterator

#: Where OpenSSL is told of another file with them.
_FILE = "SSL_CERT_FILE"


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """Have them not read meanwhile.

    aiohttp reads them all when it is imported, twice, for connections that bring no context of their own;
    ours all do.
    """
    named = os.environ.get(_FILE)
    os.environ[_FILE] = os.devnull
    try:
        yield
    finally:
        del os.environ[_FILE]
        if named is not None:
            os.environ[_FILE] = named
