"""Where the API server is and who we are: from the pod we run in, or from a kubeconfig file."""

import base64
import os
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

from scriptorium_api.values import frozen

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConfigError(Exception):
    """There is no way to the API server from here, or the file is not a kubeconfig that we can use."""


@frozen
class Config:
    """How to reach and to convince the API server."""

    server: str
    namespace: str
    tls: ssl.SSLContext | None
    token: str | None = None
    token_file: Path | None = None
    bare_tls: ssl.SSLContext | None = None
    """The same trust without a certificate of ours; None: the authorities of this machine."""

    def of_bearer(self, token: str) -> "Config":
        """Give the way to the same API server with this token, and with nothing of who we are."""
        return replace(self, tls=self.bare_tls, token=token, token_file=None)

    def bearer(self) -> str | None:
        """Give the token of this moment: the kubelet replaces a pod's token file about every hour."""
        return self.token_file.read_text().strip() if self.token_file else self.token


def load_config(kubeconfig: str | None = None) -> Config:
    """Give the configuration: the file if named, else the pod's own, else KUBECONFIG or ~/.kube/config."""
    if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ and (_ACCOUNT / "token").exists():
        return _from_pod()
    named = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    path = Path(named.split(os.pathsep)[0]).expanduser()
    if not path.exists():
        raise ConfigError(f"no kubeconfig at {path}: set KUBECONFIG, or run inside a cluster")
    # A pod has no such file, and its start waits for every import.
    import yaml  # noqa: PLC0415

    return _from_kubeconfig(yaml.safe_load(path.read_text()), path.parent)


def _from_pod() -> Config:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    tls = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    return Config(
        server=f"https://{host}:{port}",
        namespace=(_ACCOUNT / "namespace").read_text().strip(),
        tls=tls,
        token_file=_ACCOUNT / "token",
        # A pod has a token alone, and no certificate.
        bare_tls=tls,
    )


def _from_kubeconfig(document: Any, folder: Path) -> Config:
    try:
        context = _named(document["contexts"], document["current-context"])["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document["users"], context["user"])["user"]
        server = cluster["server"]
    except (KeyError, TypeError, StopIteration) as error:
        raise ConfigError(f"the kubeconfig in {folder} has no usable current context") from error
    if "exec" in user or "auth-provider" in user:
        raise ConfigError(
            "kubeconfig users with exec plugins are not supported: use a token or a certificate"
        )
    is_secure = server.startswith("https:")
    return Config(
        server=server.rstrip("/"),
        namespace=context.get("namespace", "default"),
        tls=_load_tls(cluster, user, folder) if is_secure else None,
        token=user.get("token"),
        token_file=folder / user["tokenFile"] if "tokenFile" in user else None,
        bare_tls=_load_tls(cluster, {}, folder) if is_secure else None,
    )


def _named(entries: Any, name: str) -> Any:
    return next(entry for entry in entries if entry["name"] == name)


def _load_tls(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext:
    authority = _read(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _read(user, "client-certificate", folder), _read(user, "client-key", folder)
    if certificate and key:
        # The ssl module reads certificates from files only; this one is private and gone at once.
        # A pod has a token, and its run waits for what it imports.
        import tempfile  # noqa: PLC0415

        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _read(entry: dict[str, Any], key: str, folder: Path) -> bytes | None:
    if f"{key}-data" in entry:
        return base64.b64decode(entry[f"{key}-data"])
    return (folder / entry[key]).read_bytes() if key in entry else None
