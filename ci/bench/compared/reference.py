"""The straightforward way to serve the model, untuned: what most people would write first, and what we compare with.

Environment: TRITON_URL (host:port of Triton's HTTP endpoint), MODEL.
"""

import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import tritonclient.http.aio as triton
from fastapi import FastAPI, UploadFile
from PIL import Image

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")
MODEL = os.environ.get("MODEL", "resnet_medical")


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    async with triton.InferenceServerClient(os.environ["TRITON_URL"], conn_limit=200) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=connected)


@app.get("/ready")
async def ready() -> dict[str, bool]:
    return {"ready": await app.state.client.is_model_ready(MODEL)}


@app.post("/predict")
async def predict(image: UploadFile) -> dict[str, object]:
    started = time.perf_counter()
    pixels = Image.open(io.BytesIO(await image.read())).convert("RGB").resize((224, 224))
    tensor = (np.asarray(pixels, dtype=np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    question = triton.InferInput("input", list(tensor.shape), "FP32")
    question.set_data_from_numpy(np.ascontiguousarray(tensor))
    answer = await app.state.client.infer(MODEL, [question])
    logits = answer.as_numpy("output")[0]
    exponentials = np.exp(logits - logits.max())
    probabilities = exponentials / exponentials.sum()
    best = int(probabilities.argmax())
    return {
        "prediction": LABELS[best],
        "confidence": float(probabilities[best]),
        "latency_ms": (time.perf_counter() - started) * 1000,
    }
