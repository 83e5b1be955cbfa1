"""Many workloads: simulated, tallied, swept, printed."""
