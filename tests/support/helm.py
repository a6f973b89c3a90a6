"""helm, as a person uses it on the installed release."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CHART = Path(__file__).parents[2] / "helm" / "scriptorium"
RELEASE = "scriptorium"


@dataclass(frozen=True, slots=True)
class Helm:
    """helm on the test cluster's release."""

    kubeconfig: str
    namespace: str

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command and give how it ended."""
        return subprocess.run(
            ["helm", "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *arguments],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """Run a command and give its output; fail with what it said."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def upgrade(self, *options: str, chart: Path = CHART) -> None:
        """Upgrade the release to a chart; the values that it was installed with stay."""
        self.run("upgrade", RELEASE, str(chart), "--reset-then-reuse-values", *options)

    def test(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the release's test and give how it ended."""
        return self.attempt("test", RELEASE, *options)
