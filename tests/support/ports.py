"""Ports of this machine."""

import socket


def free_port() -> int:
    """Give a port that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
