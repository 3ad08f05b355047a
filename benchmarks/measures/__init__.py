"""One module a measure: it starts what it needs, alternates between the subjects, tells what they took."""
