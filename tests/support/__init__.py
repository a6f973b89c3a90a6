"""What tests share: makers, waiting, kubectl."""
