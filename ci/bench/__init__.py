"""The benchmark: medinfer's data path, a straightforward one and LitServe, each under the same k6."""
