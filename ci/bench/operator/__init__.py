"""How the operator grows: a real API server and operator, and simulated agents and API pods."""
