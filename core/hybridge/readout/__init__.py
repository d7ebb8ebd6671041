"""From what a device returns to what the user measured: the core supplies what a device lacks."""
