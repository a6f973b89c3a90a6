"""What a host API tells a script that asked for what it cannot have.

HostError
"""


class HostError(Exception):
    """A host call failed; the script gets an Error with this name, code and message, and may catch it."""

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.code = code
        self.message = message
