"""Endpoints: what answers a request, and what is asked of it before a script runs."""
