"""Endpoints beside the servers a person would otherwise take: cases, servers, load, figures."""
