"""Faults that a test orders."""
