"""What the API server asks before it stores an object of ours; every replica answers, leading or not."""
