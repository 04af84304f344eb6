"""Who may be asked about a company or person: each module asks one kind of source and answers with plain values."""
