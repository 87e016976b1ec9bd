"""Requests one prediction from the API as a client does. Runs in the API's image.

predict.py URL TIMEOUT_SECONDS [--key-file=FILE | --expect-refusal]
With a key, and where a refusal is expected, the API must refuse a prediction without a key.
"""

import io
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image, ImageDraw

BOUNDARY = "medinfer-test"
FIELDS = {"prediction", "confidence", "latency_ms", "probabilities", "model_version"}
# From a pod that is Ready, or the Service would not lead to it; and it is Ready once it serves a version.
REFUSED = {401, 403}


def main() -> int:
    url, timeout_seconds = sys.argv[1].rstrip("/"), float(sys.argv[2])
    until = time.monotonic() + timeout_seconds
    while True:
        status, text = ask(urllib.request.Request(f"{url}/status"))
        if status in REFUSED or (status == 200 and json.loads(text)["stable"]):
            break
        if time.monotonic() > until:
            print(f"The API serves no version after {timeout_seconds:g} s: {text}", file=sys.stderr)
            print("See whether a version is served: kubectl get mro; kubectl describe mro", file=sys.stderr)
            return 1
        time.sleep(1)
    option, _, file = (sys.argv[3] if len(sys.argv) > 3 else "").partition("=")
    if option:
        status, text = ask(upload(f"{url}/predict"))
        if status != 401:
            print(f"POST /predict without a key: {status} {text}; 401 was expected", file=sys.stderr)
            return 1
        if option == "--expect-refusal":
            print(f"{text}\nFor a prediction set tests.keySecretName to a Secret with a key")
            return 0
    status, text = ask(upload(f"{url}/predict", Path(file).read_text().strip() if file else ""))
    answer = json.loads(text) if status == 200 else {}
    if status != 200 or not answer.keys() >= FIELDS or answer["prediction"] not in answer["probabilities"]:
        print(f"POST /predict: {status} {text}", file=sys.stderr)
        return 1
    print(text)
    return 0


def upload(url: str, key: str = "") -> urllib.request.Request:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="slice.png"\r\n\r\n'
    body = head.encode() + png() + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return urllib.request.Request(url, body, headers)


def png() -> bytes:
    """A grey disc, like a slice of a head. The test does not check the predicted class."""
    image = Image.new("L", (256, 256))
    ImageDraw.Draw(image).ellipse((40, 20, 216, 236), fill=110)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def ask(request: urllib.request.Request) -> tuple[int, str]:
    """Return status and body, or 0 and the reason if there is no answer."""
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


if __name__ == "__main__":
    sys.exit(main())
