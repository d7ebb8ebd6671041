"""What `make bench` measures: circuits, their translations for each simulator, rows with goals, a report."""
