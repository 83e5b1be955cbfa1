"""The link from CML to decoding models: sessions, constraints and the command line."""
