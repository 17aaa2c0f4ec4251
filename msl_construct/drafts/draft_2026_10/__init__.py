"""Draft 2026-10, format version 1.1: an overlay of draft 2026-03."""
