"""A master that copies without end while software does anything to the unit in front of it."""
