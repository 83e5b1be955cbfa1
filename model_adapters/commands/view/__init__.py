"""What a person sees of a session, and the lines that a person says."""
