"""What surrounds each call to 1688, one concern a module. Must not import protos or gRPC."""
