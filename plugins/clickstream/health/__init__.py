"""The live path against its source's thresholds, every five minutes."""
