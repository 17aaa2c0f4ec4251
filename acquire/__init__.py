"""Live acquisition: a running process becomes a Memory Slice file."""
