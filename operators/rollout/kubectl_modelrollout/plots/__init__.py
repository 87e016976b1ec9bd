"""The report's plots, drawn with matplotlib."""
