"""What runs in the sealed processes: the fork server, its workers, and a JavaScript world for each run.

Nothing of the supervisor is imported here: it would be in the memory that a script may reach.
"""
