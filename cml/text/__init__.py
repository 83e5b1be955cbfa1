"""How the text of a context is read: symbols, regions, blocks, bodies (spec/1-syntax.md)."""
