"""The benchmark: medinfer's data path beside a straightforward one and beside LitServe, under the same k6."""
