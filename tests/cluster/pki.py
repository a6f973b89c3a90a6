"""The certificates of the cluster: an authority, and one certificate a part, made by openssl."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import layout as place
from tests.cluster import progress

#: Longer than any cluster of tests lives, shorter than anything would care about.
DAYS = "365"


@dataclass(frozen=True)
class Certificate:
    """A certificate to be made: for whom, for which names, to serve or to call."""

    name: str
    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    usage: str = "clientAuth"
    #: The name of the authority that signs it; an authority signs itself.
    signer: str = "ca"

    @property
    def is_authority(self) -> bool:
        """Tell whether it signs others."""
        return self.name == self.signer


API_SERVER_NAMES = (
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local",
    "DNS:localhost",
    "IP:127.0.0.1",
    f"IP:{place.API_SERVICE_ADDRESS}",
    f"IP:{place.NODE_ADDRESS}",
)
CERTIFICATES = [
    Certificate("apiserver", "kube-apiserver", names=API_SERVER_NAMES, usage="serverAuth"),
    Certificate("admin", "kubernetes-admin", groups=("system:masters",)),
    Certificate("controller-manager", "system:kube-controller-manager"),
    Certificate("scheduler", "system:kube-scheduler"),
    Certificate("proxy", "system:kube-proxy"),
    Certificate("kubelet", f"system:node:{place.NODE_NAME}", groups=("system:nodes",)),
    Certificate(
        "kubelet-server",
        f"system:node:{place.NODE_NAME}",
        names=(f"DNS:{place.NODE_NAME}", f"IP:{place.NODE_ADDRESS}"),
        usage="serverAuth",
    ),
    # By this one the API server proves itself to the servers of aggregated APIs.
    Certificate("front-proxy", "front-proxy-client", signer="front-proxy-ca"),
    Certificate("coredns", "coredns"),
    Certificate("traefik", "traefik"),
]
AUTHORITIES = [
    Certificate("ca", "scriptorium-test-cluster"),
    Certificate("front-proxy-ca", "scriptorium-front-proxy", signer="front-proxy-ca"),
]


def render_config(certificate: Certificate) -> str:
    """Return the openssl configuration of one certificate."""
    lines = ["[req]", "prompt = no", "distinguished_name = subject", "x509_extensions = extensions"]
    lines += ["[subject]"]
    lines += [f"{number}.O = {group}" for number, group in enumerate(certificate.groups)]
    lines += [f"CN = {certificate.user}", "[extensions]"]
    if certificate.is_authority:
        lines += ["basicConstraints = critical,CA:true", "keyUsage = critical,keyCertSign,cRLSign"]
        lines += ["subjectKeyIdentifier = hash"]
    else:
        lines += ["basicConstraints = critical,CA:false", "keyUsage = critical,digitalSignature"]
        lines += [f"extendedKeyUsage = {certificate.usage}", "authorityKeyIdentifier = keyid"]
    if certificate.names:
        lines += [f"subjectAltName = {','.join(certificate.names)}"]
    return "\n".join(lines) + "\n"


def render_command(folder: Path, certificate: Certificate) -> list[str]:
    """Return the command that makes key and certificate at once."""
    name = certificate.name
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    authority = folder / certificate.signer
    signer = ["-CA", f"{authority}.crt", "-CAkey", f"{authority}.key"]
    command = ["openssl", "req", "-x509", *key, "-days", DAYS, "-config", str(folder / f"{name}.cnf"), *files]
    return command if certificate.is_authority else command + signer


def make(folder: Path) -> None:
    """Make the authorities, every certificate and the key that signs service account tokens."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda authority: make_certificate(folder, authority), AUTHORITIES))
        key = threads.submit(make_signing_key, folder / "service-accounts")
        list(threads.map(lambda certificate: make_certificate(folder, certificate), CERTIFICATES))
        key.result()


def make_signing_key(path: Path) -> None:
    """Make the pair of keys that signs and checks the tokens of service accounts."""
    private, public = str(path.with_suffix(".key")), str(path.with_suffix(".pub"))
    generate = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    progress.run([*generate, "-out", private])
    progress.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public])


def make_certificate(folder: Path, certificate: Certificate) -> None:
    """Make one certificate and its key."""
    (folder / f"{certificate.name}.cnf").write_text(render_config(certificate))
    progress.run(render_command(folder, certificate))
