"""`make bench`: measures what the services cost and sustain, next to a reference measured in turn."""
