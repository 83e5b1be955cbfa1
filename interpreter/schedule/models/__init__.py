"""The execution models: what a run of each comes to (spec/4-time.md, sections 4 and 5)."""
