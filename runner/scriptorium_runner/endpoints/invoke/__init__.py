"""Calls of Scripts from inside the cluster: who may, what runs, and what they are told."""
