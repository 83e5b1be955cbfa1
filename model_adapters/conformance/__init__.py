"""Conformance: does a backend do asynchronous calls right? Checks, each with an id, and reports of them.

`checks` is the table of all; `running` runs them, `report` says what came of it.
"""
