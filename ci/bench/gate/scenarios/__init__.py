"""What the gate measures, each part of medinfer in a process of its own: python -m ci.bench.gate.scenarios."""
