"""One module per step, each made by hand."""
