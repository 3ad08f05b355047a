"""The services, and the packages that they are built from: see ARCHITECTURE.md."""
