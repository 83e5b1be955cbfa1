"""Runs step by step, and as timelines."""
