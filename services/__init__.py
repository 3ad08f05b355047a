"""The services, and the rooms they are built from: see ARCHITECTURE.md."""
