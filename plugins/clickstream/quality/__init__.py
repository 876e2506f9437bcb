"""What the data of a source are like, held against expectations: what no contract sees in a single record."""
