"""From the paths on the command line to text that can be parsed. Must never import libcst or run what it reads."""
