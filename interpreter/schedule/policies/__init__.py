"""Which call is written next, and how far that is from the best (spec/4-time.md, sections 6 and 7)."""
