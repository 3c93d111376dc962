"""The command line: options in, text and an exit status out. It must never decide what a finding is."""
