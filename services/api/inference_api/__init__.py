"""The data path: decode, choose a version and a replica, retry, answer, measure."""
