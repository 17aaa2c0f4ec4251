"""Fuzzing that stays: what is put to which parts, guided by coverage or not, and what it found."""
