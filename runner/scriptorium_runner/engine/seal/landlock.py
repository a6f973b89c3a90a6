"""Which rights a kernel's Landlock can take away, by its version. Pure."""

#: Execute, write, read files, read folders, remove and make things of nine kinds; then, by version, refer,
#: truncate, ioctl on devices.
_FILES = (1 << 13) - 1
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_IOCTL = 1 << 15
#: Bind and connect TCP.
_NETWORK = 0b11
#: Abstract Unix sockets of others, signals to others.
_SCOPES = 0b11


def list_rights(version: int) -> tuple[int, ...]:
    """Give struct landlock_ruleset_attr with every right of a version: files, network, scopes."""
    files = _FILES
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        files |= right if version >= since else 0
    if version >= 6:
        return files, _NETWORK, _SCOPES
    return (files, _NETWORK) if version >= 4 else (files,)
