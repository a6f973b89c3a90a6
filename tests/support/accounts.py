"""Real accounts: what a test asks as one of them the API server judges as it would for a user."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.kubectl import Kubectl

OURS = "scripts.scriptorium.dev,scriptexecutions.scriptorium.dev"

#: What who borrows a runner's account, and is no pod, is told of the run of a slot. Two policies refuse it,
#: and either may be told of: the requester is filled in by then.
BORROWED = ("spec.firedBy is filled in by Scriptorium", "the run of a schedule has no spec.requestedBy")


@dataclass(frozen=True, slots=True)
class Account:
    """A service account with a token."""

    name: str
    """As the API server knows it."""
    uid: str
    kubectl: Kubectl
    """Speaks with its token and nothing else."""


def make_account(kubectl: Kubectl, namespace: str, name: str, folder: Path) -> Account:
    """Give an account of a namespace, made if it is not there, that may create and change our kinds there."""
    kubectl.attempt("create", "serviceaccount", name, "--namespace", namespace)
    return let_in(kubectl, namespace, f"{namespace}:{name}", folder)


def let_in(kubectl: Kubectl, namespace: str, account: str, folder: Path) -> Account:
    """Let an account, `its namespace:its name`, create and change our kinds in a namespace, and give it."""
    home, name = account.split(":")
    verbs = "--verb=get,list,create,update,patch"
    kubectl.attempt("create", "role", "writer", "--namespace", namespace, verbs, f"--resource={OURS}")
    binding = ("create", "rolebinding", f"writer-{home}-{name}", "--namespace", namespace)
    kubectl.run(*binding, "--role=writer", f"--serviceaccount={account}")
    found = kubectl.get("serviceaccount", name, home)
    assert found, f"no account {account}"
    token = kubectl.run("create", "token", name, "--namespace", home).strip()
    place = folder / f"{home}-{name}"
    place.mkdir(parents=True)
    return Account(
        name=f"system:serviceaccount:{account}",
        uid=found["metadata"]["uid"],
        kubectl=kubectl.with_token(token, place),
    )
