"""Formats the dates of orders and refunds."""

from datetime import timedelta, timezone

from services.sandbox.controls.clock import floor_to_second, format_compact_time
from services.sandbox.controls.variants import Variants


def format_date(epoch_ms: int, variants: Variants) -> str:
    """Return a date as `yyyyMMddHHmmss000+0800`, in the zone of the variants."""
    zone = timezone(timedelta(hours=variants.utc_offset_hours))
    return format_compact_time(floor_to_second(epoch_ms), zone)
