"""Load on the API by k6, with every answer checked: for the benchmarks and the tests."""
