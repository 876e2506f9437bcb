"""One message to people for one incident."""
