"""The commands of the course, beside those of the two ends."""
