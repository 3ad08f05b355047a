"""`make release`: checks, sets versions, change log and proto baseline, commits and tags."""
