"""Incidents: what people are told of a source, once, again while it lasts, and when it is over."""
