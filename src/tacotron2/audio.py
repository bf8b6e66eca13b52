"""Recordings to log-mel spectrograms and back.

The spectrogram is the one of Tacotron 2 (Shen et al. 2018, section 2.1) with the settings that published
vocoders of this family expect: magnitude of a centred STFT (Hann, reflect padding), mel bands on Slaney's
scale with unit area, natural logarithm of max(magnitude, floor). Computed in double precision, because a
pure tone leaves bands near the floor in which single precision already errs by more than 1e-4.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tacotron2.files import write_atomically
from tacotron2.hparams import AudioParams

Samples = NDArray[np.float32]
"""(L,) mono, full scale is +-1."""
Array = NDArray[np.float64]

RATES_HZ = (2_000, 768_000)
"""A header that claims another one is damaged."""
BLOCK_FRAMES = 1024
"""Frames transformed at once: bounds the memory that an hour-long file needs."""
INVERSION_STEPS = 50
"""Multiplicative updates from mel to linear magnitudes; more no longer lowers the error audibly."""
LOUDEST_LOG_MEL = 10.0
"""Natural logarithm; a full-scale sine reaches about 2.6 with the default settings."""
MOMENTUM = 0.99
"""alpha of the fast Griffin-Lim algorithm (Perraudin et al. 2013)."""


class AudioError(ValueError):
    """A recording or spectrogram cannot be used; the message names the file and what is wrong with it."""


def load_audio(path: Path, sampling_rate: int) -> Samples:
    """Samples of any file that libsndfile reads, channels averaged, resampled to `sampling_rate`.

    Raises:
        AudioError: missing, unreadable, empty, or with values that are not finite.
    """
    samples, file_rate = read_samples(path)
    if file_rate != sampling_rate:
        samples = soxr.resample(samples, file_rate, sampling_rate).astype(np.float32, copy=False)
    return samples


def read_samples(path: Path) -> tuple[Samples, int]:
    """Samples of any file that libsndfile reads, channels averaged, and their rate in Hz.

    Raises:
        AudioError: missing, unreadable, empty, or with values that are not finite.
    """
    if not path.is_file():
        raise AudioError(f"{path}: no such file")
    try:
        channels, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise AudioError(f"{path}: not a readable recording ({reason}); use wav or flac") from error
    samples: Samples = channels.mean(axis=1, dtype=np.float32)
    if not samples.size:
        raise AudioError(f"{path}: holds no samples")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds values that are not finite numbers")
    return samples, int(file_rate)


def save_wav(path: Path, samples: NDArray[np.floating], sampling_rate: int) -> None:
    """A 16-bit PCM file, written whole or not at all; peaks beyond full scale are clipped, never wrapped.

    Raises:
        AudioError: the samples are not one-dimensional or not finite.
    """
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise AudioError(f"{path}: needs one channel of finite samples, got shape {samples.shape}")
    buffer = io.BytesIO()
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    soundfile.write(buffer, pcm, sampling_rate, format="WAV", subtype="PCM_16")
    write_atomically(path, buffer.getvalue())


def trim_silence(samples: Samples, audio: AudioParams) -> Samples:
    """The recording without the silence at both ends.

    Rule: the signal is cut into blocks of `hop_length`. A block is silent when its mean square lies more than
    `trim_db` below the loudest block's. Everything from the first to the last block that is not silent stays,
    and `trim_margin_ms` on either side as far as the recording goes. Pauses inside are kept. Digital silence
    is returned as it is.
    """
    hop = audio.hop_length
    num_blocks = -(-len(samples) // hop)
    padded = np.zeros(num_blocks * hop)
    padded[: len(samples)] = samples
    power = np.square(padded).reshape(num_blocks, hop).mean(axis=1)
    threshold = power.max(initial=0.0) * 10.0 ** (-audio.trim_db / 10.0)
    loud = np.flatnonzero(power > threshold)
    if not loud.size:
        return samples
    margin = round(audio.trim_margin_ms * audio.sampling_rate / 1000.0)
    start = max(0, int(loud[0]) * hop - margin)
    return samples[start : (int(loud[-1]) + 1) * hop + margin]


class MelSpectrogram:
    """Log-mel extraction; window and filter bank are built once for the object.

    Attributes:
        window: (filter_length,) Hann of win_length samples, zero padded at both ends.
        filterbank: (num_mels, num_bins) float64.
    """

    def __init__(self, audio: AudioParams) -> None:
        self.audio = audio
        self.window = hann_window(audio)
        self.filterbank = mel_filterbank(audio)

    def __call__(self, samples: NDArray[np.floating]) -> NDArray[np.float32]:
        """(L,) samples to a (T_mel, num_mels) log-mel spectrogram, T_mel = 1 + L // hop_length.

        Raises:
            AudioError: not one channel, or empty.
        """
        if samples.ndim != 1 or not samples.size:
            raise AudioError(f"a spectrogram needs one channel of samples, got shape {samples.shape}")
        frames = centred_frames(samples, self.audio)
        mel = np.empty((len(frames), len(self.filterbank)), dtype=np.float32)
        for start in range(0, len(frames), BLOCK_FRAMES):
            block = slice(start, start + BLOCK_FRAMES)
            magnitude = np.abs(np.fft.rfft(frames[block] * self.window))
            mel[block] = np.log(np.maximum(magnitude @ self.filterbank.T, self.audio.mel_floor))
        return mel


def log_mel(samples: NDArray[np.floating], audio: AudioParams) -> NDArray[np.float32]:
    """The (T_mel, num_mels) log-mel spectrogram of one recording; for many, keep a `MelSpectrogram`."""
    return MelSpectrogram(audio)(samples)


def hann_window(audio: AudioParams) -> Array:
    """(filter_length,) periodic Hann window of win_length samples, centred between zeros."""
    window = np.zeros(audio.filter_length)
    start = (audio.filter_length - audio.win_length) // 2
    phase = 2.0 * np.pi * np.arange(audio.win_length) / audio.win_length
    window[start : start + audio.win_length] = 0.5 - 0.5 * np.cos(phase)
    return window


def centred_frames(samples: NDArray[np.floating], audio: AudioParams) -> Array:
    """(1 + L // hop_length, filter_length) read-only view: frame t is centred on sample t * hop_length."""
    size = audio.filter_length
    padding = (size // 2, size - size // 2)
    padded = np.pad(samples.astype(np.float64), padding, mode="reflect")
    frames: Array = np.lib.stride_tricks.sliding_window_view(padded, size)[:: audio.hop_length]
    return frames


def mel_filterbank(audio: AudioParams) -> Array:
    """(num_mels, num_bins) triangles on Slaney's mel scale, each of unit area over Hz.

    The scale is that of the Auditory Toolbox (Slaney 1998): linear to 1 kHz, logarithmic above.

    Raises:
        AudioError: a band is so narrow that no FFT bin falls into it.
    """
    limits = _hz_to_mel(np.array([audio.mel_fmin, audio.mel_fmax]))
    edges = _mel_to_hz(np.linspace(limits[0], limits[1], audio.n_mel_channels + 2))
    bins = np.arange(1 + audio.filter_length // 2) * (audio.sampling_rate / audio.filter_length)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    filterbank: Array = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    empty = np.flatnonzero(filterbank.max(axis=1) == 0.0)
    if empty.size:
        raise AudioError(
            f"audio.n_mel_channels={audio.n_mel_channels}: mel band {empty[0]} contains no FFT bin; "
            f"take fewer bands or an audio.filter_length above {audio.filter_length}"
        )
    return filterbank


_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: Array) -> Array:
    logarithmic = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL, logarithmic)


def _mel_to_hz(mel: Array) -> Array:
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ_PER_MEL, logarithmic)


def griffin_lim(
    log_mel: NDArray[np.floating], audio: AudioParams, num_iterations: int = 60, seed: int = 0
) -> Samples:
    """Samples whose log-mel spectrogram is close to the given one; the same for the same seed.

    Magnitudes by non-negative least squares, phases by the Griffin-Lim algorithm with momentum
    (Perraudin, Balazs, Sondergaard 2013, algorithm 2).

    Args:
        log_mel: (T_mel, num_mels); a single frame is held for two.

    Returns:
        ((T_mel - 1) * hop_length,) samples, so that the way back gives T_mel frames again.

    Raises:
        AudioError: wrong shape, no frame, or values that are not finite.
    """
    if log_mel.ndim != 2 or log_mel.shape[1] != audio.n_mel_channels or not len(log_mel):
        raise AudioError(
            f"a log-mel spectrogram has the shape (T_mel, {audio.n_mel_channels}), got {log_mel.shape}"
        )
    if not np.isfinite(log_mel).all():
        raise AudioError("the log-mel spectrogram holds values that are not finite numbers")
    frames = log_mel if len(log_mel) > 1 else np.repeat(log_mel, 2, axis=0)
    # A diverged model may ask for more than any recording holds; without a bound, exp would overflow.
    audible = np.minimum(frames.astype(np.float64), LOUDEST_LOG_MEL)
    magnitude = linear_magnitude(np.exp(audible), mel_filterbank(audio))
    window = hann_window(audio)
    angle = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, magnitude.shape)
    spectrum = magnitude * np.exp(1j * angle)
    previous = np.zeros_like(spectrum)
    for _ in range(num_iterations):
        samples = _overlap_add(spectrum, window, audio)
        consistent = np.fft.rfft(centred_frames(samples, audio) * window)
        moved = consistent + MOMENTUM * (consistent - previous)
        spectrum = magnitude * moved / np.maximum(np.abs(moved), 1e-12)
        previous = consistent
    return _overlap_add(spectrum, window, audio).astype(np.float32)


def linear_magnitude(mel: Array, filterbank: Array) -> Array:
    """(T_mel, num_mels) mel magnitudes to the (T_mel, num_bins) non-negative magnitudes that explain them.

    The clipped pseudo-inverse, refined by multiplicative updates for the squared error (Lee and Seung 2001).
    """
    magnitude: Array = np.maximum(mel @ np.linalg.pinv(filterbank).T, 1e-8)
    target = mel @ filterbank
    for _ in range(INVERSION_STEPS):
        magnitude *= target / np.maximum((magnitude @ filterbank.T) @ filterbank, 1e-12)
    return magnitude


def _overlap_add(spectrum: NDArray[np.complex128], window: Array, audio: AudioParams) -> Array:
    """The (T_mel - 1) * hop_length samples whose STFT is nearest to `spectrum` in the squared error."""
    num_frames, hop, size = len(spectrum), audio.hop_length, audio.filter_length
    num_parts = -(-size // hop)
    frames = np.zeros((num_frames, num_parts * hop))
    frames[:, :size] = np.fft.irfft(spectrum, n=size) * window
    weight = np.zeros(num_parts * hop)
    weight[:size] = window**2
    total, norm = np.zeros((2, num_frames + num_parts - 1, hop))
    for part in range(num_parts):
        columns = slice(part * hop, (part + 1) * hop)
        total[part : part + num_frames] += frames[:, columns]
        norm[part : part + num_frames] += weight[columns]
    start, length = size // 2, (num_frames - 1) * hop
    samples: Array = (total / np.maximum(norm, 1e-8)).reshape(-1)[start : start + length]
    return samples
