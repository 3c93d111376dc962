"""Every rule proves itself: the programs that bnlint reports, and their right twins, are run under the real framework.

A rule's evidence is a pair of fixtures, `bad_measured*.py` and `good_measured*.py`: whole seeded programs of a few seconds
whose last line of output is `metric: figure`. The rule's page states both figures in a line that this package writes;
the page is the claim, the run must bear it out. Only our own fixtures are run, never code under analysis.
"""
