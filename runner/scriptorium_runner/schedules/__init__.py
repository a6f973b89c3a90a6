"""Schedules: whose turn a slot is, and what comes of it."""
