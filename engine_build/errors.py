"""What can go wrong; each message says what to do about it."""


class EngineBuildError(Exception):
    """The engine cannot be built, or is not worth shipping."""
