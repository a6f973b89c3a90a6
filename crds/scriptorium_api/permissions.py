"""What a Script may reach: nothing that is not named."""

from typing import Annotated

from pydantic import AfterValidator, Field

from scriptorium_api import host_patterns
from scriptorium_api.base import Model, rule, validated_by
from scriptorium_api.names import MAX_NAME, NAME_FORM

#: A name of an object of ours.
ObjectName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=NAME_FORM)]


def _check_pattern(text: str) -> str:
    host_patterns.parse_host_pattern(text)
    return text


def _matches(expression: str) -> str:
    """Give the expression's test in the API server's language, whose texts have escapes of their own."""
    return "self.matches('{}')".format(expression.replace("\\", "\\\\"))


#: A host name or address; "*." stands for all names below, and a port follows if it is not the usual one.
HostPattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=host_patterns.MAX_HOST,
        description="A host, with *. before it for all names below it, and with its port if it is unusual.",
        json_schema_extra=validated_by(
            rule(_matches(host_patterns.SHAPE), host_patterns.IS_NONE),
            rule(f"!{_matches(host_patterns.UNREACHABLE)}", host_patterns.IS_UNREACHABLE),
        ),
    ),
    AfterValidator(_check_pattern),
]

ScriptName = Annotated[ObjectName, Field(description="A Script's name.")]


class HttpPermission(Model):
    """Where the script's http calls may go."""

    allow: list[HostPattern] = Field(default=[], max_length=64)
    """Hosts such as api.example.org, *.example.org (all names below, not itself) or api.example.org:8443;
    without a port it is that of http or https."""


class Permissions(Model):
    """What the script may reach; what is not named is refused with an error that the script can catch."""

    http: HttpPermission | None = None
    """HTTP to hosts outside."""
    scripts: list[ScriptName] = Field(default=[], max_length=64)
    """The Scripts of this namespace that it may call by scripts.call; each runs with its own powers."""
