"""Sending records into a source's stream or delivery, and the receipt that says which of them were taken."""
