"""The parts of the Silver to Gold job; they travel to Glue in the zip of `--extra-py-files`."""
