"""One module per scenario: it starts the processes, measures the subjects in turn, returns the results."""
