"""`make demo`: calls the services as a client does, and prints the gRPC and HTTP traffic of each call."""
