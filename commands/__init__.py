"""What does a person type?

A module for each group of commands: parse, call, print. A command imports what it runs when it is run, so that the
others start quickly.
"""
