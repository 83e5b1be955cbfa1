"""What people and editors use of the language: commands, reports, schemas, colours."""
