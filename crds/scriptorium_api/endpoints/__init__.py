"""Endpoint: a URL that runs a Script."""
