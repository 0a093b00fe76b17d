"""`make bench`: what types and validation cost, beside the bare WebSocket library and another stack.

Ratios, not records: every contender runs on this machine, in this run, in turn. Nothing here is a test.
"""
