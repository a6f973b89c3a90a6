"""What a worker process is shut in with: the kernel's layers, and the proof that they hold."""
