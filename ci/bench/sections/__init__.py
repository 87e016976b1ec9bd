"""What `make bench` measures: each module is one section of docs/benchmarks.md."""
