"""What the job of the maintenance is made of: the plan it is given, the table it works on, and its audit."""
