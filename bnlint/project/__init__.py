"""Programs joined by import, and the versions they are for. Works on what `bnlint.read` found."""
