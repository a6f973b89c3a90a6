"""`helm test`: runs a Script as a user would, and says in a sentence what is wrong with an installation.

It knows the API and nothing of operator or runner; its image is theirs, its account is its own.
"""
