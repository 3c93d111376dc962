"""Programs joined by import. Must never touch the file system: it works on what `bnlint.read` found."""
