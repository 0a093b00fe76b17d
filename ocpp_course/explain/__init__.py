"""What a log tells, in words: a digest of it, as text, as JSON, and the log itself without names.

Works on `ocpp_lab.logs` alone and needs nothing of a notebook; the same with pictures is in `ocpp_course.lab.report`.
"""
