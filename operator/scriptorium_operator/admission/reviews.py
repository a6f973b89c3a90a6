"""The API server's questions and our answers, in its format `AdmissionReview`."""

import base64
import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from scriptorium_api.execution import Requester
from scriptorium_api.values import frozen
from scriptorium_client import parsing
from scriptorium_operator.facts import Manifest

_API_VERSION = "admission.k8s.io/v1"


class _Lenient(BaseModel):
    """A value of somebody else's API: what we do not look at may be as it likes."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True)


class UserInfo(_Lenient):
    """Who asks."""

    username: str = ""
    uid: str = ""


class KindInfo(_Lenient):
    """What kind of object it is about."""

    kind: str = ""


class Inline(_Lenient):
    """A script that stands in another object."""

    source: str | None = None


class Spec(_Lenient):
    """What we look at of the object; the rest is let go of at once, since it may be large."""

    source: str | None = None
    script: Inline = Inline()
    schedule: str | None = None
    time_zone: str = "UTC"
    jitter_seconds: int = 0
    request_schema: dict[str, Any] = {}
    names_requester: Annotated[bool, BeforeValidator(lambda value: value is not None)] = Field(
        default=False, alias="requestedBy"
    )


@frozen
class Source:
    """JavaScript, and where in the object it stands."""

    field: str
    text: str


def find_source(spec: Spec) -> Source | None:
    """Give the JavaScript of an object, if it has any."""
    if spec.source is not None:
        return Source("spec.source", spec.source)
    return None if spec.script.source is None else Source("spec.script.source", spec.script.source)


class _Subject(_Lenient):
    spec: Spec = Spec()


def _read_spec(subject: Any) -> Spec:
    try:
        return _Subject.model_validate(subject).spec
    except ValidationError:
        # Not of the shape that the schema asks for: the API server says so, in better words than ours.
        return Spec()


class Question(_Lenient):
    """Whether, and how, an object shall be stored."""

    uid: str
    kind: KindInfo = KindInfo()
    namespace: str = ""
    name: str = ""
    user_info: UserInfo = UserInfo()
    spec: Annotated[Spec, BeforeValidator(_read_spec)] = Field(default=Spec(), alias="object")


class _Review(_Lenient):
    request: Question


def parse_question(body: bytes) -> Question:
    """Read a question, however deep the object in it is nested; raises ValueError."""
    return _Review.model_validate(parsing.parse(body)).request


def render_permission(question: Question, *, warning: str | None = None) -> Manifest:
    """Give the answer that lets an object in."""
    warnings = {"warnings": [warning]} if warning else {}
    return _render(question, {"allowed": True} | warnings)


def render_refusal(question: Question, field: str, message: str) -> Manifest:
    """Give the answer that refuses an object for one of its fields, in the form of the schema's refusals."""
    status = {
        "status": "Failure",
        "code": 422,
        "reason": "Invalid",
        "message": f"{field}: {message}",
        "details": {
            "kind": question.kind.kind,
            "name": question.name,
            "causes": [{"reason": "FieldValueInvalid", "field": field, "message": message}],
        },
    }
    return _render(question, {"allowed": False, "status": status})


def render_requester(question: Question, requester: Requester) -> Manifest:
    """Give the answer that writes down who asked for a run."""
    patch = [{"op": "add", "path": "/spec/requestedBy", "value": requester.to_wire()}]
    encoded = base64.b64encode(json.dumps(patch).encode()).decode()
    return _render(question, {"allowed": True, "patchType": "JSONPatch", "patch": encoded})


def _render(question: Question, response: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": _API_VERSION,
        "kind": "AdmissionReview",
        "response": {"uid": question.uid} | response,
    }
