"""What scripts may ask of the world outside their sandbox: served by the supervisor, never by a worker."""
