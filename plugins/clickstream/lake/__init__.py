"""The lake as it stands: windows of arrival hours, listings, partitions, snapshots and the SQL that reads them."""
