"""The same service on LitServe, with ONNX Runtime inside the process: it saves the hop to Triton.

Usage: python -m ci.bench.compared.litserve_app --port 8003 --workers 1 MODEL.onnx
"""

import argparse
import io
from typing import Any

import fastapi
import litserve
import numpy as np
import onnxruntime
from PIL import Image

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")


class Classifier(litserve.LitAPI):  # type: ignore[misc,unused-ignore]
    """max_batch_size 1: one image at a time; else LitServe's own dynamic batching."""

    def __init__(self, model: str, max_batch_size: int) -> None:
        super().__init__(max_batch_size=max_batch_size, batch_timeout=0.001, api_path="/predict")
        self.model = model

    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])

    def decode_request(self, request: fastapi.Request) -> Any:
        """LitServe hands over the parsed form when the annotation is Request."""
        pixels = Image.open(io.BytesIO(request["image"].file.read())).convert("RGB").resize((224, 224))
        return (np.asarray(pixels, dtype=np.float32) / 255).transpose(2, 0, 1)

    def predict(self, x: Any) -> Any:
        batch = x if x.ndim == 4 else x[np.newaxis]
        (logits,) = self.session.run(["output"], {"input": np.ascontiguousarray(batch)})
        return logits if x.ndim == 4 else logits[0]

    def encode_response(self, output: Any) -> dict[str, object]:
        exponentials = np.exp(output - output.max())
        probabilities = exponentials / exponentials.sum()
        best = int(probabilities.argmax())
        return {"prediction": LABELS[best], "confidence": float(probabilities[best])}


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an ONNX model with LitServe.")
    parser.add_argument("model", help="path of the ONNX file")
    parser.add_argument("--port", type=int, default=8003)
    parser.add_argument("--workers", type=int, default=1, help="inference processes, and as many HTTP processes")
    parser.add_argument("--max-batch-size", type=int, default=1, help="largest batch of LitServe's dynamic batching")
    arguments = parser.parse_args()
    classifier = Classifier(arguments.model, arguments.max_batch_size)
    server = litserve.LitServer(classifier, accelerator="cpu", workers_per_device=arguments.workers)
    server.run(
        host="127.0.0.1",
        port=arguments.port,
        num_api_servers=arguments.workers,
        generate_client_file=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
