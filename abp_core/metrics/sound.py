"""Sounds: the statistics of sound textures (McDermott and Simoncelli, Neuron 71, 2011), and the
long-term spectrum.

The ear is a bank of filters, equally wide on the ear's own scale of frequency; a sound texture is
recognised by time averages of their envelopes. Of the paper's statistics those of single
envelopes, of pairs of bands and of modulation power are here; its correlations between modulation
bands (C1, C2) are left out.
"""

import math

import torch
from torch import Tensor

BANDS = 30
LOWEST = 50.0  # hertz
COMPRESSION = 0.3  # of envelopes: loudness grows as about this power of amplitude
SILENCE = 1e-4  # added to envelopes; 68 dB below the level of a signal of deviation .25
ENVELOPE_RATE = 400  # hertz
EDGE = 20  # samples of an envelope left out at both ends, where its filter has rung
OFFSETS = (1, 2, 3, 5, 8, 11, 16, 21)  # between bands whose envelopes are correlated
MODULATIONS = 10  # bands of modulation
SLOWEST, FASTEST = 2.0, 200.0  # hertz of modulation
SEGMENT = 1.0  # seconds over which statistics are averaged


def erb_number(hertz: Tensor) -> Tensor:
    """Place on the scale of equivalent rectangular bandwidths (Glasberg and Moore, 1990)."""
    return 9.265 * torch.log1p(hertz / (24.7 * 9.265))


def cochlear_filters(length: int, rate: float) -> Tensor:
    """Amplitude responses (BANDS, length // 2 + 1) for the spectrum of `length` samples.

    Half-periods of a cosine on the ERB scale, each reaching to its neighbours' centres, so that
    squares add up to 1 between the first centre and the last. Zero phase.
    """
    return _cosine_bands(
        erb_number(torch.fft.rfftfreq(length, 1 / rate)),
        float(erb_number(torch.tensor(LOWEST))),
        float(erb_number(torch.tensor(rate / 2))),
        BANDS,
    )


def envelopes(signal: Tensor, rate: int) -> Tensor:
    """Compressed envelopes (BANDS, n) of a sound (1, length), ENVELOPE_RATE values a second."""
    length = signal.shape[1]
    spectrum = torch.fft.rfft(signal[0]) * cochlear_filters(length, rate)
    analytic = torch.zeros(BANDS, length, dtype=torch.complex64)
    analytic[:, : spectrum.shape[1]] = 2 * spectrum  # no negative frequencies: |.| is the envelope
    envelope = (torch.fft.ifft(analytic).abs() + SILENCE) ** COMPRESSION
    count = length * ENVELOPE_RATE // rate
    slow = torch.fft.rfft(envelope)[:, : count // 2 + 1]
    resampled: Tensor = torch.fft.irfft(slow, n=count) * (count / length)
    return resampled[:, EDGE:-EDGE]


def texture_statistics(signal: Tensor, rate: int) -> Tensor:
    """Statistics (segments, k) of a sound (1, length): one row for each SEGMENT seconds, with
    three quarters of overlap. A signal shorter than that is one segment."""
    envelope = envelopes(signal, rate)
    size = min(round(SEGMENT * ENVELOPE_RATE), envelope.shape[1])
    segments = envelope.unfold(1, size, max(1, size // 4)).transpose(0, 1)
    return torch.cat(
        [
            moments(segments).flatten(1),
            band_correlations(segments),
            modulation_power(segments).flatten(1),
        ],
        dim=1,
    )


def moments(envelope: Tensor) -> Tensor:
    """Of envelopes (n, bands, time): mean, coefficient of variation (std / mean), skew and
    kurtosis, (n, 4, bands)."""
    mean = envelope.mean(-1)
    z, deviation = _standardised(envelope)
    return torch.stack([mean, deviation / mean, z.pow(3).mean(-1), z.pow(4).mean(-1)], dim=1)


def band_correlations(envelope: Tensor) -> Tensor:
    """Correlations over time of envelopes (n, bands, time) that lie OFFSETS bands apart, (n, k)."""
    z, _ = _standardised(envelope)
    bands = z.shape[1]
    return torch.cat([(z[:, : bands - k] * z[:, k:]).mean(-1) for k in OFFSETS if k < bands], dim=1)


def modulation_power(envelope: Tensor) -> Tensor:
    """The share of each envelope's variance in MODULATIONS bands of modulation, equally wide on a
    logarithmic scale: (n, bands, MODULATIONS) for (n, bands, time)."""
    z, _ = _standardised(envelope)
    time = envelope.shape[-1]
    power = torch.fft.rfft(z * torch.hann_window(time)).abs().square()
    hertz = torch.fft.rfftfreq(time, 1 / ENVELOPE_RATE).clamp(min=1e-3)
    weights = _cosine_bands(hertz.log(), math.log(SLOWEST / 2), math.log(FASTEST), MODULATIONS)
    total = power[..., 1:].sum(-1, keepdim=True).clamp(min=1e-12)
    shares: Tensor = power @ weights.square().T / total
    return shares


def log_mel(signal: Tensor, rate: int, bands: int = 64) -> Tensor:
    """Spectrogram (bands, frames) of a sound (1, length) in decibels, one frame every 10 ms, on
    the mel scale (O'Shaughnessy, 1987)."""
    size = 2 ** round(math.log2(0.04 * rate))
    spectrum = torch.stft(
        signal[0], size, rate // 100, window=torch.hann_window(size), return_complex=True
    )
    hertz = torch.fft.rfftfreq(size, 1 / rate)
    mel = 2595 * torch.log10(1 + hertz / 700)
    edges = torch.linspace(0, float(mel[-1]), bands + 2)
    rising = (mel - edges[:-2, None]) / (edges[1] - edges[0])
    filters = torch.minimum(rising, 2 - rising).clamp(min=0)
    filters = filters / filters.sum(1, keepdim=True).clamp(min=1e-3)
    power = filters @ spectrum.abs().square() / size
    return 10 * torch.log10(power + SILENCE**2)


def spectrum_distance(a: Tensor, b: Tensor) -> float:
    """Mean |difference|, in decibels, of the long-term spectra of two `log_mel` (bands, frames):
    power is averaged over time first, since loudness in time is not what is compared."""
    long_term = [10 * torch.log10((10 ** (mel / 10)).mean(1)) for mel in (a, b)]
    return float((long_term[0] - long_term[1]).abs().mean())


def _cosine_bands(place: Tensor, low: float, high: float, bands: int) -> Tensor:
    """Half-periods of a cosine (bands, n) over `place` (n,), centres equally far apart between
    (not on) low and high, each reaching to its neighbours' centres."""
    centres = torch.linspace(low, high, bands + 2)[1:-1]
    distance = (place - centres[:, None]) / ((high - low) / (bands + 1))
    return torch.where(distance.abs() < 1, torch.cos(math.pi / 2 * distance), 0.0)


def _standardised(envelope: Tensor) -> tuple[Tensor, Tensor]:
    """Envelopes (n, bands, time) less their mean, in units of their deviation (n, bands)."""
    deviation = envelope.std(-1, correction=0).clamp(min=1e-5)
    return (envelope - envelope.mean(-1, keepdim=True)) / deviation[..., None], deviation
