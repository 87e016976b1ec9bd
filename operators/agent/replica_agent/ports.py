"""Where Triton listens: its own default ports."""

HTTP_PORT, GRPC_PORT, METRICS_PORT = 8000, 8001, 8002
