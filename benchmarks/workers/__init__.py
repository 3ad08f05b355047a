"""Modules that run as processes of their own: upstreams, reference servers, and clients."""
