"""`make bench`: what services cost and withstand, as ratios measured side by side."""
