"""Triton's model repository on disk: version directories, which are written once, and config.pbtxt."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelctl.bundle import golden, manifest, onnx_file
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.golden import Golden
from modelctl.bundle.manifest import Preprocessing
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import Wanted

from replica_agent.config import ModelConfig, parse_config, to_text, with_versions
from replica_agent.facts import read_facts
from replica_agent.file_hashes import FileHasher, FileHashes
from replica_agent.files import remove_folder, write_atomic
from replica_agent.observation import Installed
from replica_agent.plan import Release
from replica_agent.version_files import CONFIG, MARK, check_model, check_version


class Repository:
    """`root` is Triton's --model-repository; `staging` is outside it, on the same file system.

    At a load, Triton compares the modification times of all files in the model's directory but config.pbtxt. When one
    is newer it reloads the versions that it serves. So a version directory is renamed into place whole, and no other
    file is written there.
    """

    def __init__(self, root: Path, staging: Path, instance_kind: str, operator_domains: tuple[str, ...] = ()) -> None:
        self._root, self._staging, self._instance_kind = root, staging, instance_kind
        self._operator_domains = operator_domains
        self._known: dict[Path, _Version] = {}
        self._unpacked: dict[Path, tuple[str, FileHashes]] = {}  # with the digest of the bundle
        root.mkdir(parents=True, exist_ok=True)

    def installed(self, model: str) -> Mapping[int, Installed]:
        """Version -> what is installed; a directory that is not whole is left out."""
        folders = (path for path in self._model(model).glob("[1-9]*") if path.name.isdigit())
        found = {int(path.name): self._read(path) for path in folders}
        return {number: version.installed for number, version in found.items() if version}

    def install(self, model: str, release: Release, bundle: Path) -> None:
        """Unpacks `bundle` into a new version directory; raises InvalidBundle, OSError."""
        self._model(model).mkdir(exist_ok=True)
        staged = self._staging / f"version-{release.version}"
        remove_folder(staged, self._staging)
        hasher = FileHasher()
        wanted = Wanted(release.digest, model, release.version, self._operator_domains)
        unpack(bundle, staged, wanted, hasher.update)
        (staged / MARK).write_text(release.digest)
        self.discard(model, release.version)
        staged.rename(self._version(model, release.version))
        self._unpacked[self._version(model, release.version)] = release.digest, hasher.hashes()

    def discard(self, model: str, version: int) -> None:
        """Deletes the version directory, if there is one."""
        folder = self._version(model, version)
        remove_folder(folder, self._staging)
        self._known.pop(folder, None)
        self._unpacked.pop(folder, None)

    def check(self, model: str, release: Release) -> None:
        """Hashes an installed version again. One that changed since it was unpacked is deleted.

        Raises InvalidBundle, OSError.
        """
        check_model(self._model(model))
        try:
            folder = self._version(model, release.version)
            check_version(folder, release.digest, self._unpacked_as(folder, release.digest))
        except (InvalidBundle, OSError):
            self.discard(model, release.version)
            raise

    def config(self, model: str, version: int) -> ModelConfig:
        """The canonical config from that version's bundle; raises KeyError when it is not installed."""
        return self._whole(model, version).config

    def contract(self, model: str, version: int) -> Contract:
        """What an installed version takes and gives; raises KeyError when it is not installed."""
        return self._whole(model, version).contract

    def preprocessing(self, model: str, version: int) -> Preprocessing:
        """How an installed version's tensors are made; raises KeyError when it is not installed."""
        return self._whole(model, version).preprocessing

    def golden(self, model: str, version: int) -> Golden:
        """The recorded inputs and outputs of an installed version; raises InvalidBundle, KeyError."""
        return golden.read(self._version(model, version) / "golden.npz", self.contract(model, version))

    def pin(self, model: str, version: int) -> None:
        """Writes config.pbtxt that names `version`; its temporary file stays out of the model's folder."""
        write_atomic(self._model(model) / CONFIG, self._pinned_text(model, version), self._staging)

    def pinned(self, model: str) -> int | None:
        """The version that config.pbtxt names; None when `pin` would write another text for it."""
        try:
            text = (self._model(model) / CONFIG).read_bytes()
        except FileNotFoundError:
            return None
        return next((v for v in self.installed(model) if text == self._pinned_text(model, v)), None)

    def _pinned_text(self, model: str, version: int) -> bytes:
        return to_text(with_versions(self.config(model, version), (version,))).encode()

    def _model(self, model: str) -> Path:
        return self._root / model

    def _version(self, model: str, version: int) -> Path:
        return self._model(model) / str(version)

    def _unpacked_as(self, folder: Path, digest: str) -> FileHashes | None:
        """None unless this process unpacked the bundle of this digest there."""
        known, hashes = self._unpacked.get(folder, (None, None))
        return hashes if known == digest else None

    def _whole(self, model: str, version: int) -> "_Version":
        found = self._read(self._version(model, version))
        if found is None:
            raise KeyError(version)
        return found

    def _read(self, folder: Path) -> "_Version | None":
        """None for a folder that is not a whole version. A whole one never changes, so it is read once."""
        if folder not in self._known:
            try:
                found = manifest.parse((folder / "model.json").read_bytes())
                config = parse_config((folder / CONFIG).read_text(), self._instance_kind)
                digest = (folder / MARK).read_text()
                self._check_graph(folder / "model.onnx")
            except (OSError, InvalidBundle):
                return None
            self._known[folder] = _Version(
                Installed(digest, read_facts(found)), config, found.contract, found.preprocessing
            )
        return self._known[folder]

    def _check_graph(self, path: Path) -> None:
        """An older agent, or one with other settings, may have unpacked what is refused now."""
        with path.open("rb") as stream:
            onnx_file.read_opset(stream, path.stat().st_size, self._operator_domains)


@dataclass(frozen=True)
class _Version:
    installed: Installed
    config: ModelConfig
    contract: Contract
    preprocessing: Preprocessing
