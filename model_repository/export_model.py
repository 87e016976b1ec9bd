"""Checkpoint -> ONNX, as the first version of this system did it: `python export_model.py resnet50.safetensors`."""

import sys

from modelctl.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
