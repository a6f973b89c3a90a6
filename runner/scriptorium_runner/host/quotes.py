"""What a script gave, as errors repeat it. Pure."""

import json

#: Longer ones are no help in an error.
_MOST_CHARACTERS = 100


def quote(text: str) -> str:
    """Give a text in quotes, or only its length: nobody could find the first half of a secret in it."""
    if len(text) > _MOST_CHARACTERS:
        return f"a text of {len(text)} characters"
    return json.dumps(text, ensure_ascii=False)
