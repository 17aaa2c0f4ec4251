"""Fixtures and a decoder written straight from the drafts, sharing nothing with the package."""
