"""Tests are about behaviour; programs to lint stand in `fixtures/`."""
