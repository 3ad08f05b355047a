"""What the services are compared with, each a process of its own."""
