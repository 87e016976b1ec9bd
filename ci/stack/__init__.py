"""medinfer's parts as plain processes on loopback addresses: for the demo, the benchmarks and the tests."""
