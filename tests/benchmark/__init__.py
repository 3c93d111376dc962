"""What a run of bnlint costs, beside what parsing the same files costs: `python -m tests.benchmark PATH...`."""
