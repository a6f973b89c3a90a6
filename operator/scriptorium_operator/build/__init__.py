"""Manifests and statuses: pure functions from models and settings."""
