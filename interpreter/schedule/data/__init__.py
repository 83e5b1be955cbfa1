"""Where workloads come from: benchmark data and generators (spec/4-time.md, section 8)."""
