"""Live sessions of a server: where they come from, and their rows, which anybody may read at any time."""
