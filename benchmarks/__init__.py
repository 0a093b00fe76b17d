"""`make bench`: what crowds, durability, types and validation cost; the numbers become docs/performance.md.

Ratios, not records: every contender runs on this machine, in this run, in turn. Nothing here is a test.
"""
