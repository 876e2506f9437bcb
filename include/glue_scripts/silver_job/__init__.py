"""The parts of the Bronze to Silver job; they travel to Glue in the zip of `--extra-py-files`."""
