"""What the runner answers over HTTP."""
