"""The steps of bronze_to_silver.py: plan, judging, winners, tables, audit. Shipped with `clickstream` by --extra-py-files."""
