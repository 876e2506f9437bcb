"""A source's path set up on AWS: what it should be against what it is, and the steps between them."""
