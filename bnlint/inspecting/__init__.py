"""The batch-norm map of a project: what the stories saw, as plain data, and how it is drawn. It judges nothing."""
