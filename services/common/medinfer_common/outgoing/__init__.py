"""Connections to what lies outside: which addresses they may lead to, and which authorities they trust."""
