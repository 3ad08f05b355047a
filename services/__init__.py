"""The services, and the packages they are built from: see ARCHITECTURE.md."""
