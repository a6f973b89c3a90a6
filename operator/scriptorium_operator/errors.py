"""What can go wrong in the operator.

OperatorError
 ├ SettingInvalid        at start: an environment variable that we cannot use
 ├ ClusterUnavailable    the API server does not answer; try again
 ├ Outdated              the object changed since it was read; read it again
 ├ Vanished              the object or its namespace is gone, or on its way out; let go
 ├ ClusterRefused        the API server refuses what we ask for: a policy, a missing right
 │  └ NoRoom             a quota of the namespace is used up
 ├ CertificateUnusable   a mounted certificate and its key are no pair; wait for the next
 ├ SyntaxCheckFailed     the syntax checker did not answer; try again
 ├ SandboxIncomplete     at start: this node lacks what the sandbox requires
 └ NotLeading            another replica leads; this one must not write
"""


class OperatorError(Exception):
    """Something outside our code went wrong."""

    #: The longest pause in seconds between attempts while this goes on.
    longest_pause = 60.0

    def __str__(self) -> str:
        return super().__str__() or type(self).__doc__ or ""


class SettingInvalid(OperatorError):
    """An environment variable has a value that the operator cannot use."""

    def __init__(self, name: str, expectation: str) -> None:
        super().__init__(f"{name} must be {expectation}")
        self.name = name


class ClusterUnavailable(OperatorError):
    """The API server does not answer, or asks to be left alone for a while."""

    #: Shorter, since after an outage everything waits for this.
    longest_pause = 10.0

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Outdated(OperatorError):
    """The object changed since it was read, or exists already."""

    #: Somebody else gets on: so shall we, as soon as they let us.
    longest_pause = 5.0


class Vanished(OperatorError):
    """The object or its namespace is gone, or on its way out."""


class ClusterRefused(OperatorError):
    """The API server refuses the request as it is."""


class NoRoom(ClusterRefused):
    """A quota of the namespace is used up."""


class CertificateUnusable(OperatorError):
    """The certificate cannot be shown: it is broken, or the key is not its own."""


class SyntaxCheckFailed(OperatorError):
    """The syntax checker did not answer."""


class SandboxIncomplete(OperatorError):
    """No source is parsed here, because the sandbox lacks what it requires."""


class NotLeading(OperatorError):
    """Another replica of the operator leads; this one must not write."""

    #: After an outage the Lease is renewed a moment after the first reads succeed.
    longest_pause = 5.0
