"""The schemas of Endpoints, compiled once for as long as they stay the same."""

from collections.abc import Collection

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.schemas import BadSchema
from scriptorium_api.endpoints.traffic import RequestSchema
from scriptorium_runner.endpoints.schemas import SchemaSet

_NONE = SchemaSet()


class CompiledSchemas:
    """Remembers them by the Endpoint's UID."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[RequestSchema, SchemaSet | str]] = {}

    def find(self, endpoint: Endpoint) -> SchemaSet | str:
        """Give an Endpoint's schemas, or what is wrong with them."""
        uid, wanted = endpoint.metadata.uid, endpoint.spec.request_schema
        if wanted is None:
            return _NONE
        if uid not in self._known or self._known[uid][0] != wanted:
            self._known[uid] = (wanted, _compile(wanted))
        return self._known[uid][1]

    def forget_others(self, uids: Collection[str]) -> None:
        """Forget those of all Endpoints but these."""
        self._known = {uid: each for uid, each in self._known.items() if uid in uids}


def _compile(wanted: RequestSchema) -> SchemaSet | str:
    try:
        return SchemaSet.build(wanted)
    except BadSchema as error:
        return str(error)
