"""Makes a release: checks, versions, change log, baseline of the protos, commit and tag (`make release`)."""
