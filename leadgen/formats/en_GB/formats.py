"""British English with the 24-hour clock: one way to write a time on every page, beside "08:49" of the relative ones."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
