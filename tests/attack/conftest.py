"""The engine that the attacks are made on."""

from tests.unit.runner.engine.conftest import engine, make_run

__all__ = ["engine", "make_run"]
