"""What own normalisation code computes, whatever the framework: the algebra of moments and averages, and running code on it."""
