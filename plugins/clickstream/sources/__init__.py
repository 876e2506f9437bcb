"""What a source is, and how its declaration is read."""
