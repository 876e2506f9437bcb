"""Gold, event date by event date: which dates are out of date, and whether what was made of Silver is what it holds."""
