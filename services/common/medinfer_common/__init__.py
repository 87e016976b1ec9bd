"""What API, agent and operator have in common. It knows none of them."""
