"""Questions that rules ask of a story: modes, purposes, batches, and the traces that explain them. Pure functions."""
