"""What should be: pure functions from models and facts to frozen decisions."""
