"""The program room: a file's text lowered to the small typed program that the story is told from.

The only room that knows libcst's node classes; it must never import libcst before a file is to be parsed.
"""
