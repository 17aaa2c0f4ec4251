"""Mutation scores: what the rules notice of faulty files, the corpus of a faulty schema."""
