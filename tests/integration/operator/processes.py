"""The operator as a process of the checkout."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.chart.rendering import NAMESPACE
from tests.support.ports import free_port
from tests.support.waiting import until


class OperatorProcess:
    """One run of the operator."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._port = environment["SCRIPTORIUM_HEALTH_PORT"]
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("scriptorium-operator"))],
                env=os.environ | environment,
                stdout=file,
                stderr=file,
            )

    def is_running(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until it has seen everything once."""
        until(lambda: self.ask("/readyz") == 200, 60, "the operator is ready")

    def ask(self, path: str) -> int:
        """Give the status that it answers with, 0 for none."""
        assert self.is_running(), f"the operator ended:\n{self.read_log()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)
        except OSError:
            return 0

    def read_metrics(self) -> dict[str, float]:
        """Give its numbers by name and labels."""
        address = f"http://127.0.0.1:{self._port}/metrics"
        with urllib.request.urlopen(address, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def read_peak_memory(self) -> float:
        """Give the most memory that it has had, in MiB; the processes that check syntax are not in it."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    def read_log(self) -> str:
        """Give what it has logged."""
        return self._log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait until it has ended; gives its exit code."""
        return self._process.wait(60)

    def kill(self) -> None:
        """End it as a lost node does: without a word."""
        self._process.kill()
        self._process.wait(20)

    def stop(self) -> None:
        """End it as the kubelet does."""
        self._process.terminate()
        assert self._process.wait(20) == 0, self.read_log()


StartOperator = Callable[..., OperatorProcess]


def make_environment(kubeconfig: str, installed: dict[str, Any] | None, number: int) -> dict[str, str]:
    """Give the settings of an operator of the checkout, the so-manieth of its test."""
    return {
        "KUBECONFIG": kubeconfig,
        "SCRIPTORIUM_IMAGE": _image_of(installed),
        "SCRIPTORIUM_HEALTH_PORT": str(free_port()),
        "SCRIPTORIUM_SWEEP_SECONDS": "1",
        "POD_NAME": f"operator-{number}",
        "POD_NAMESPACE": NAMESPACE,
    }


def _image_of(installed: dict[str, Any] | None) -> str:
    if installed is None:
        return "localhost/scriptorium:dev"
    return str(installed["spec"]["template"]["spec"]["containers"][0]["image"])
