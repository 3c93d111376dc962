"""Fixes: from what a rule wants to be changed to the bytes of the files.

`layout` turns changes into exact edits, `choose` decides which of them are applied together, `passes` lints again until
nothing is left to be fixed, `write` puts files in place. Nothing here knows a rule.
"""
