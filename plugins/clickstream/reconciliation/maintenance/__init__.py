"""Maintenance of the lake: what it may touch, and the proof that it changed no row."""
