"""Where workloads and costs come from: benchmark data, generators, measurements (spec/4-time.md, section 8)."""
