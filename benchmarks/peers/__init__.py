"""What runs beside the services, as processes of their own: upstreams, references, and who calls."""
