"""The services, and the packages that they are built from: see ARCHITECTURE.md."""

import os

# gRPC's core would write lines of its own to stderr, with text of peers: a peer could forge lines of the log.
# This must be set before grpc is imported. Errors that concern a service reach it as exceptions.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
