"""Logs, traces and the admin HTTP port of the process. Must not import interceptors."""
