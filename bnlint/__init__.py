"""bnlint: a linter for batch-norm pitfalls in training code. Importing it does nothing but name the version."""

__version__ = "0.1.0"
