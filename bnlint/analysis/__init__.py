"""From the files of projects to all findings about them, before anything is selected.

`projects` asks earlier runs first, and puts the rest side by side; `pipeline` reads one project after the other, `programs`
parses, `verdicts` tells and judges each entry point, and `remembered` keeps what was said of them for the next run.
Imports nothing by itself: most of bnlint stands behind these rooms, and a run that is answered from the cache needs none.
"""
