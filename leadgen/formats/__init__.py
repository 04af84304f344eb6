"""How dates and times are written, where a page shows one without `when`."""
