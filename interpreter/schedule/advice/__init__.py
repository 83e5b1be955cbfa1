"""What limited a real run, and what would have helped."""
