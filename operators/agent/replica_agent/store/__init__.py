"""Everything that talks to stores and siblings: what may be asked, and how a bundle comes from there."""
