"""Sending records into a source's stream, and the receipt that says which of them were taken."""
