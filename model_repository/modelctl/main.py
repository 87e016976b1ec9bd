"""Makes and checks model versions, and makes the keys of the API's clients.

Exit status: 0 done, 1 refused or failed (stderr says why), 2 wrong usage."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from modelctl import signing
from modelctl.bundle.errors import ModelctlError
from modelctl.keys import commands as keys
from modelctl.registry import commands as registry

# The commands import what they need when they run: verify and inspect work without onnx.


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ModelctlError as error:
        return _failed(str(error))
    except ModuleNotFoundError as error:
        return _failed(f"{error.name} is not installed; install modelctl[build,demo]")
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        return _failed("interrupted", status=130)
    return 0


def _failed(reason: str, status: int = 1) -> int:
    print(f"modelctl: {' '.join(reason.split())}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="modelctl", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_demo,
        _add_export,
        _add_pack,
        _add_golden,
        _add_verify,
        signing.add,
        _add_inspect,
        registry.add_push,
        registry.add_resolve,
        _add_audit,
        keys.add,
    ):
        add(commands)
    return parser


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from modelctl.demo.models import Model
    from modelctl.demo.variants import VARIANTS

    table = "\n".join(f"  {one.version:>2}  {one.name:<14} {one.summary}" for one in VARIANTS)
    demo = commands.add_parser(
        "demo",
        help="write demonstration bundles; no checkpoint needed",
        description="Writes bundles, sample images and demo.json. Demonstration weights, not for clinical use.",
        epilog=f"variants (version, name):\n{table}\n\nA white corner: the top-left sixteenth of the image is white.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write to; what is up to date there is kept"
    )
    demo.add_argument(
        "--model",
        choices=[model.value for model in Model],
        default=Model.RESNET50.value,
        help="; ".join(f"{model}: {model.summary}" for model in Model) + "; default: %(default)s",
    )
    demo.add_argument("--variants", default="stable,better", metavar="NAMES", help="comma-separated, or all")
    demo.add_argument("--config", type=Path, help="use this config.pbtxt instead of resnet_medical's")
    demo.set_defaults(run=_demo)


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = commands.add_parser(
        "export",
        help="turn a ResNet50 checkpoint into model.onnx",
        description="Opset 17, dynamic batch axis, tensors named as config.pbtxt says. .safetensors needs no torch.",
    )
    export.add_argument("checkpoint", type=Path, help=".safetensors, or what torch.save wrote where torch is installed")
    export.add_argument(
        "--weights", default="", metavar="PLACE", help="which weights, where a checkpoint holds several"
    )
    export.add_argument("--out", type=Path, default=Path("model.onnx"), help="default: %(default)s")
    export.add_argument("--config", type=Path, help="use this config.pbtxt instead of resnet_medical's")
    export.set_defaults(run=_export)


def _add_pack(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pack = commands.add_parser(
        "pack",
        help="make a bundle from a model.onnx",
        description="Records golden outputs, measures memory and writes <model>-<version>.tar.",
    )
    pack.add_argument("source", type=Path, help="an .onnx file, or a folder with model.onnx and the files named below")
    pack.add_argument("--version", type=int, required=True, help="the version's number, from 1")
    pack.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="default: the working folder")
    pack.add_argument(
        "--golden", type=Path, metavar="DIR", help="images whose answers are recorded; default: golden/ in SOURCE"
    )
    pack.add_argument(
        "--config", type=Path, help="use this config.pbtxt; default: resnet_medical's, or one made from contract.json"
    )
    pack.add_argument(
        "--labels", type=Path, help="labels.txt with one label per line, in output order; default: the four classes"
    )
    pack.add_argument(
        "--contract",
        type=Path,
        help="contract.json: the model's name, activation and thresholds; default: a softmax over four classes of "
        "3x224x224 images",
    )
    pack.add_argument("--preprocessing", type=Path, help="preprocessing.json; default: bicubic, scaled to [0, 1]")
    pack.add_argument(
        "--provenance", action="append", default=[], metavar="KEY=VALUE", help="stored in model.json; may be repeated"
    )
    _add_operator_domain(pack)
    pack.set_defaults(run=_pack)


def _add_golden(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    golden = commands.add_parser(
        "golden",
        help="make a hospital's acceptance set of its own images",
        description="Writes the images that DIR/cases.csv names (file,labels; labels separated by ;), what people saw "
        "in them, and the share that a version must answer right. Prints the digest for spec.acceptance. "
        "The file holds pixels and labels, and no names.",
    )
    golden.add_argument("folder", type=Path, metavar="DIR", help="a folder with cases.csv and the images")
    golden.add_argument("--out", type=Path, default=Path("acceptance.npz"), help="default: %(default)s")
    golden.add_argument(
        "--min-right", type=float, required=True, metavar="SHARE", help="of all answers, so many must be right: 0 to 1"
    )
    golden.add_argument(
        "--min-right-per-label", type=float, metavar="SHARE", help="of each label's; default: as --min-right"
    )
    golden.add_argument("--labels", default="", metavar="NAMES", help="comma-separated; default: all in cases.csv")
    golden.add_argument("--max-side", type=int, metavar="PIXELS", help="reduce larger images; default: keep them")
    golden.set_defaults(run=_golden)


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verify = commands.add_parser(
        "verify",
        help="check a bundle: digest, every hash, and what model.json says",
        description="Checks the bundle's form, its digest if given, every file's hash, what model.json says, and with "
        "--key or --signers who signed it.",
    )
    verify.add_argument("bundle", type=Path, help="a .tar file")
    verify.add_argument("--digest", help="the sha256:... that the bundle must have; default: not checked")
    signing.add_to_verify(verify)
    _add_operator_domain(verify)
    verify.set_defaults(run=_verify)


def _add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inspect = commands.add_parser(
        "inspect",
        help="verify a bundle and show what it says about itself",
        description="Verifies the bundle, then shows digest, contract, preprocessing, provenance, sizes and hashes.",
    )
    inspect.add_argument("bundle", type=Path, help="a .tar file")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    _add_operator_domain(inspect)
    inspect.set_defaults(run=_inspect)


def _add_operator_domain(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--operator-domain",
        action="append",
        default=[],
        metavar="DOMAIN",
        help="allow operators of this domain in model.onnx, too; the agents must allow it as well; may be repeated",
    )


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser("audit", help="check the audit stream of the API")
    verify = audit.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "verify",
        help="find lines that are missing or were altered",
        description="Checks the chain of each writer (a worker of an API pod) over the files, in the order given. "
        "What was cut off at the end cannot be seen: compare the last line's sequence with "
        "inference_api_audit_lines_total.",
    )
    verify.add_argument("files", type=Path, nargs="+", metavar="FILE", help="lines of the stream, oldest file first")
    verify.add_argument("--key-file", type=Path, required=True, help="the key that the API was given")
    verify.add_argument("--continued", action="store_true", help="the oldest lines are elsewhere: begin with any line")
    verify.set_defaults(run=_audit_verify)


def _demo(options: argparse.Namespace) -> None:
    from modelctl import report
    from modelctl.demo import demo
    from modelctl.demo.family import NOTICE
    from modelctl.demo.models import Model
    from modelctl.demo.variants import select

    print(f"{NOTICE}.")
    config = options.config.read_bytes() if options.config else None
    made = demo.write(Model(options.model), options.out, select(options.variants), config)
    if made.report:
        print(report.accuracy_text(made.report))
    for variant, path, digest in made.bundles:
        print(f"{path}  {digest}  {variant.name}: {variant.summary}")
    print(f"{'Kept what was there' if made.reused else 'Written'}; sample images are in {options.out / 'samples'}")


def _export(options: argparse.Namespace) -> None:
    from modelctl.defaults import default_config
    from modelctl.export import export

    config = options.config.read_bytes() if options.config else default_config()
    origin = export(options.checkpoint, options.out, config, options.weights)
    if origin:
        print(f"Exported: {origin}")
    print(f"{options.out}  {options.out.stat().st_size:,} bytes; next: modelctl pack {options.out} --version N")


def _pack(options: argparse.Namespace) -> None:
    from modelctl import packing

    provenance = dict(_key_value(text) for text in options.provenance)
    names = ("golden", "config", "labels", "preprocessing", "contract")
    source = packing.find(options.source, {name: getattr(options, name) for name in names})
    source = replace(source, operator_domains=tuple(options.operator_domain))
    path, digest = packing.pack(source, options.version, provenance, options.out)
    print(f"{path}  {digest}")


def _golden(options: argparse.Namespace) -> None:
    from modelctl import acceptance_set

    per_label = options.min_right if options.min_right_per_label is None else options.min_right_per_label
    labels = tuple(name.strip() for name in options.labels.split(",") if name.strip())
    limits = acceptance_set.Limits(options.min_right, per_label, options.max_side)
    print(f"{options.out}  {acceptance_set.make(options.folder, limits, labels, options.out)}")


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ModelctlError(f"--provenance takes KEY=VALUE, not {text!r}")
    return key, value


def _verify(options: argparse.Namespace) -> None:
    from modelctl.bundle.verify import Wanted, file_digest, verify

    wanted = Wanted(digest=options.digest, operator_domains=tuple(options.operator_domain))
    found, digest = verify(options.bundle, wanted), file_digest(options.bundle)
    said = signing.verified_text(options, digest, found.model)
    print(f"{options.bundle} is complete and correct: {found.model} version {found.version}, {digest}")
    if said:
        print(said)


def _inspect(options: argparse.Namespace) -> None:
    from modelctl import report
    from modelctl.bundle.verify import Wanted, file_digest, verify

    wanted = Wanted(operator_domains=tuple(options.operator_domain))
    found, digest = verify(options.bundle, wanted), file_digest(options.bundle)
    if options.json:
        print(report.manifest_json(found, digest, options.bundle))
    else:
        print(report.manifest_text(found, digest))


def _audit_verify(options: argparse.Namespace) -> None:
    from modelctl import audit

    key = options.key_file.read_bytes().strip()
    found = audit.verify(audit.read_lines(options.files), key, continued=options.continued)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    for writer, (count, last) in found.writers.items():
        print(f"{writer}: {count} lines hold, the last is line {last}")
    if found.problems:
        raise ModelctlError(f"{len(found.problems)} problems in the audit stream")


if __name__ == "__main__":
    sys.exit(main())
