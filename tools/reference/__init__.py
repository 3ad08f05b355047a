"""`make reference`: generates docs/reference from the protos: a page per service, one of errors, an index."""
