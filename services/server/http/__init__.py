"""An HTTP/1.1 server for small requests: 1688's pushes, metrics and probes. httptools parses the requests."""
