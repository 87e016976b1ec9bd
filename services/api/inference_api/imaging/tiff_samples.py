"""What the samples of a TIFF are, and which of them are read: what Pillow reads but takes for something else is not."""

from dataclasses import dataclass

from PIL.TiffImagePlugin import COMPRESSION_INFO

from inference_api.imaging import tiff_tags
from inference_api.imaging.tiff_tags import TiffTags, called
from inference_api.imaging.unreadable import UnreadableImage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
NO_ALPHA, PREMULTIPLIED_ALPHA, ALPHA = 0, 1, 2

_CHANNELS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3}
_GREY = (WHITE_IS_ZERO, BLACK_IS_ZERO)
_UNCOMPRESSED, _OLD_JPEG = 1, 6
_FAX = (2, 3, 4)
_SEPARATE = 2
_COREL_DRAW_ALPHA = 999

# Grey without alpha: bits of each sample.
_GREY_BITS = {UNSIGNED: (1, 2, 4, 8, 12, 16, 32), SIGNED: (8, 16, 32), FLOAT: (32,)}


@dataclass(frozen=True, slots=True)
class TiffSamples:
    """`photometric` and `format` as in TIFF 6.0; `bits` of each sample; `extra`: the channels beside the colours."""

    photometric: int
    format: int
    bits: int
    extra: tuple[int, ...]
    is_compressed: bool
    is_little_endian: bool

    @property
    def is_high(self) -> bool:
        """Whether they are intensities that need a version's `preprocessing.intensity`."""
        return self.photometric in _GREY and (self.bits > 8 or self.format != UNSIGNED)


def settle(tags: TiffTags) -> TiffSamples:
    """Raises UnreadableImage, which names the tag, for samples that are not read."""
    compression = tags.one(tiff_tags.COMPRESSION, _UNCOMPRESSED)
    if compression not in COMPRESSION_INFO:
        raise _unread(tiff_tags.COMPRESSION)
    samples = _samples(tags, compression)
    if compression == _OLD_JPEG:
        return samples
    _check_organisation(tags, samples)
    if samples.photometric in _GREY:
        _check_grey(samples)
    else:
        _check_colour(tags, samples)
    return samples


def _samples(tags: TiffTags, compression: int) -> TiffSamples:
    photometric = tags.one(tiff_tags.PHOTOMETRIC, YCBCR if compression == _OLD_JPEG else -1)
    if photometric not in _CHANNELS:
        raise _unread(tiff_tags.PHOTOMETRIC) if photometric >= 0 else _lacks(tiff_tags.PHOTOMETRIC)
    bits, formats = (set(tags.values.get(tag, (1,))) for tag in (tiff_tags.BITS_PER_SAMPLE, tiff_tags.SAMPLE_FORMAT))
    if len(bits) > 1:
        raise _unread(tiff_tags.BITS_PER_SAMPLE)
    if len(formats) > 1 or not formats <= {UNSIGNED, SIGNED, FLOAT}:
        raise _unread(tiff_tags.SAMPLE_FORMAT)
    extra = tags.values.get(tiff_tags.EXTRA_SAMPLES, ())
    is_compressed = compression != _UNCOMPRESSED
    return TiffSamples(photometric, formats.pop(), bits.pop(), extra, is_compressed, tags.is_little_endian)


def _check_organisation(tags: TiffTags, samples: TiffSamples) -> None:
    planar = tags.one(tiff_tags.PLANAR, 1)
    if planar not in (1, _SEPARATE):
        raise _unread(tiff_tags.PLANAR)
    is_read = samples.is_compressed and not any(samples.extra) and samples.photometric in (RGB, CMYK)
    if planar == _SEPARATE and samples.extra and not is_read:
        raise _unread(tiff_tags.PLANAR, f"with its {called(tiff_tags.EXTRA_SAMPLES)}")
    if planar == _SEPARATE and samples.photometric in (YCBCR, CIELAB):
        raise _unread(tiff_tags.PLANAR, f"with its {called(tiff_tags.PHOTOMETRIC)}")
    _check_fill_order(tags, samples)
    channels = tags.one(tiff_tags.SAMPLES_PER_PIXEL, 1)
    expected = _CHANNELS[samples.photometric] + len(samples.extra)
    if channels != expected and (samples.photometric, channels) != (RGB, 4):
        raise UnreadableImage(f"{called(tiff_tags.SAMPLES_PER_PIXEL)} of this TIFF does not fit its other tags")


def _check_fill_order(tags: TiffTags, samples: TiffSamples) -> None:
    """Of compressed data it is the order of the coded bits, which is in use for fax alone."""
    order, compression = tags.one(tiff_tags.FILL_ORDER, 1), tags.one(tiff_tags.COMPRESSION, _UNCOMPRESSED)
    if order == 1 or (order == 2 and compression in _FAX):
        return
    if order != 2 or samples.is_compressed or samples.bits > 8 or samples.extra or samples.format != UNSIGNED:
        raise _unread(tiff_tags.FILL_ORDER)


def _check_grey(samples: TiffSamples) -> None:
    if samples.bits not in _GREY_BITS[samples.format]:
        raise _unread(tiff_tags.BITS_PER_SAMPLE, f"with its {called(tiff_tags.SAMPLE_FORMAT)}")
    if samples.bits == 12 and (samples.is_compressed or not samples.is_little_endian):
        raise _unread(tiff_tags.BITS_PER_SAMPLE, "compressed or big-endian")
    if samples.format == UNSIGNED and samples.bits == 32 and not samples.is_little_endian:
        raise _unread(tiff_tags.BITS_PER_SAMPLE, f"big-endian with its {called(tiff_tags.SAMPLE_FORMAT)}")
    fits = samples.photometric == BLACK_IS_ZERO and samples.format == UNSIGNED and samples.bits == 8
    if samples.extra and not (fits and samples.extra in ((NO_ALPHA,), (ALPHA,))):
        raise _unread(tiff_tags.EXTRA_SAMPLES)


def _check_colour(tags: TiffTags, samples: TiffSamples) -> None:
    if samples.format != UNSIGNED:
        raise _unread(tiff_tags.SAMPLE_FORMAT, f"with its {called(tiff_tags.PHOTOMETRIC)}")
    if samples.bits == 16 and samples.photometric != PALETTE:
        raise UnreadableImage("this file is 16-bit colour; send 8-bit colour or 16-bit grey")
    if samples.bits not in ((1, 2, 4, 8) if samples.photometric == PALETTE and not samples.extra else (8,)):
        raise _unread(tiff_tags.BITS_PER_SAMPLE, f"with its {called(tiff_tags.PHOTOMETRIC)}")
    if not _reads_extra(samples):
        raise _unread(tiff_tags.EXTRA_SAMPLES)
    if samples.photometric == CMYK and tags.one(tiff_tags.INK_SET, 1) != 1:
        raise _unread(tiff_tags.INK_SET)
    is_plain = tags.values.get(tiff_tags.YCBCR_SUBSAMPLING, (2, 2)) == (1, 1)
    if samples.photometric == YCBCR and not samples.is_compressed and not is_plain:
        raise _unread(tiff_tags.YCBCR_SUBSAMPLING, "uncompressed")


def _reads_extra(samples: TiffSamples) -> bool:
    first, rest = samples.extra[:1], samples.extra[1:]
    if any(rest) or len(rest) > 2:
        return False
    match samples.photometric:
        case 2:  # RGB
            return first in ((), (NO_ALPHA,), (PREMULTIPLIED_ALPHA,), (ALPHA,), (_COREL_DRAW_ALPHA,))
        case 3:  # palette
            return first in ((), (NO_ALPHA,), (ALPHA,)) and not rest
        case 5:  # CMYK
            return first in ((), (NO_ALPHA,)) and len(rest) < 2
    return not first


def _unread(tag: int, how: str = "") -> UnreadableImage:
    return UnreadableImage(f"{called(tag)} of this TIFF is not read{' ' if how else ''}{how}")


def _lacks(tag: int) -> UnreadableImage:
    return UnreadableImage(f"this TIFF lacks {called(tag)}")
