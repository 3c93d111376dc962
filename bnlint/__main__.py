"""`python -m bnlint`: the command line, also from a bare checkout."""

from bnlint.cli.main import main

if __name__ == "__main__":
    main()
