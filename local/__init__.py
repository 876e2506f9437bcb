"""The local cloud: AWS on one machine, behind one port. README.md says what is real, emulated and absent."""
