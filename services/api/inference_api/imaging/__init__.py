"""Bytes to pixels to tensor. Pure: no I/O, no clock."""
