"""What can go wrong with the test cluster.

ClusterError
├── Missing          something the machine lacks, which a person has to install
├── CommandFailed    a tool said no
└── NotReady         a part did not come up in its time
"""


class ClusterError(Exception):
    """The test cluster cannot do what was asked; the message says what to do about it."""


class Missing(ClusterError):
    """The machine lacks something that has to be installed first."""


class CommandFailed(ClusterError):
    """A tool ended with an error."""

    def __init__(self, command: list[str], code: int, output: str) -> None:
        """Keep what was run and the end of what it said."""
        self.command, self.code, self.output = command, code, output
        super().__init__(f"{' '.join(command)} ended with {code}:\n{output[-4000:]}")


class NotReady(ClusterError):
    """A part of the cluster did not become ready in time."""
