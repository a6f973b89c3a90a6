"""The API of Scriptorium: the models of every kind, and nothing else defines a field."""
