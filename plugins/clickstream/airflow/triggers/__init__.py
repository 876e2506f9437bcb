"""Waits that hold no worker."""

FIRST_LOOK_SECONDS = 3
"""A trigger that fires at once can overtake the worker that deferred; the scheduler then takes the task's end for a
failure."""
