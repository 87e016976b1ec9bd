"""The benchmark: medinfer's data path, a straightforward one, LitServe and BentoML, each under the same k6."""
