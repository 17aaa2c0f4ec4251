"""Draft 2026-03: the public specification, format version 1.0."""
