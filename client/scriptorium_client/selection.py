"""Which objects are followed."""

from scriptorium_api.values import frozen
from scriptorium_client.resources import Resource


@frozen(kw_only=True)
class Selection:
    """The objects of a kind: of all namespaces or one, and of those the ones with these labels and fields."""

    resource: Resource
    namespace: str | None = None
    labels: str | None = None
    fields: str | None = None
    is_metadata_only: bool = False
