"""Glue's own library as far as a plain Spark script needs it: ``utils.getResolvedOptions``."""
