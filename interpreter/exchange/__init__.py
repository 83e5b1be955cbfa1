"""Sessions of other protocols: read, checked like our own, and told again as traces (spec/5-embedding.md, 5.4)."""
