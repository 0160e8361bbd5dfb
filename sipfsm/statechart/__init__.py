"""Drawing and exporting the machines that models declare."""
