"""What becomes of one record: parse, filter, check, name the reason. One implementation for every place that asks."""
