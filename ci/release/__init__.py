"""A release of medinfer itself: images, chart and signatures in a registry, and how somebody checks them."""
