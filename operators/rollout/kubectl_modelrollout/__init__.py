"""`kubectl modelrollout`: where a release stands, its evidence, and the lines that approve or abort it."""
