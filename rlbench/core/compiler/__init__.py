"""Rules in, compiled loops over many environments out."""
