"""The Scripts of what stands inline in CronScripts and Endpoints."""

from scriptorium_api import names
from scriptorium_api.base import Metadata
from scriptorium_api.script import Code
from scriptorium_operator.build import inline_script
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services import objects


async def put(context: Context, kind: Kind, owner: Metadata, code: Code | None) -> None:
    """Have the Script that stands inline, or none of it if there is none inline any more."""
    key = Key(Kind.SCRIPT, owner.namespace, names.inline_script_name(owner.name, kind))
    if code is not None:
        await objects.put(context, inline_script.build_inline_script(kind, owner, code))
    elif context.inventory.is_there(key):
        await objects.remove_owned(context, owner.uid, key)
