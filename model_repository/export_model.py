"""Turns a checkpoint into model.onnx, like `modelctl export`: `python export_model.py resnet50.safetensors`."""

import sys

from modelctl.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
