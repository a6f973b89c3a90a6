"""What keeps a runner from starting."""


class SettingError(Exception):
    """A setting is missing or wrong; the message names it."""
