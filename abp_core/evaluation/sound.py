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
from torch.nn import functional as F

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


def envelopes(signals: Tensor, rate: int) -> Tensor:
    """Compressed envelopes (n, BANDS, time) of sounds (n, length), ENVELOPE_RATE values a second.

    A band's envelope moves as slowly as the band is narrow. It is therefore taken from the band's
    own part of the spectrum alone, at four times the rate that it needs, which leaves room for
    what the compression adds.
    """
    length = signals.shape[1]
    count = length * ENVELOPE_RATE // rate
    spectrum = torch.fft.rfft(signals)
    resampled = []
    for response in cochlear_filters(length, rate).to(signals.device):
        passed = response.nonzero()[:, 0]
        low, high = int(passed[0]), int(passed[-1]) + 1
        size = 2 ** math.ceil(math.log2(4 * max(high - low, count // 2)))
        # No negative frequencies, so that |.| is the envelope; where the band lies does not matter.
        analytic = F.pad(2 * response[low:high] * spectrum[:, low:high], (0, size - (high - low)))
        envelope = (torch.fft.ifft(analytic).abs() * (size / length) + SILENCE) ** COMPRESSION
        slow = torch.fft.rfft(envelope)[:, : count // 2 + 1]
        resampled.append(torch.fft.irfft(slow, n=count) * (count / size))
    return torch.stack(resampled, dim=1)[..., EDGE:-EDGE]


def texture_statistics(signal: Tensor, rate: int) -> Tensor:
    """Statistics (segments, k) of a sound (1, length): one row for each SEGMENT seconds, with
    three quarters of overlap. A signal shorter than that is one segment."""
    (envelope,) = envelopes(signal, rate)
    size = min(round(SEGMENT * ENVELOPE_RATE), envelope.shape[1])
    segments = envelope.unfold(1, size, max(1, size // 4)).transpose(0, 1)
    return pool_envelope(segments)


def pool_envelope(envelope: Tensor) -> Tensor:
    """All statistics (n, k) of envelopes (n, bands, time)."""
    return torch.cat(
        [
            moments(envelope).flatten(1),
            band_correlations(envelope),
            modulation_power(envelope).flatten(1),
        ],
        dim=1,
    )


def moments(envelope: Tensor) -> Tensor:
    """Of envelopes (n, bands, time): mean, coefficient of variation (std / mean), skew and
    kurtosis, (n, 4, bands)."""
    mean = envelope.mean(-1)
    z, deviation = _standardise(envelope)
    return torch.stack([mean, deviation / mean, z.pow(3).mean(-1), z.pow(4).mean(-1)], dim=1)


def band_correlations(envelope: Tensor) -> Tensor:
    """Correlations over time of envelopes (n, bands, time) that lie OFFSETS bands apart, (n, k)."""
    z, _ = _standardise(envelope)
    bands = z.shape[1]
    return torch.cat([(z[:, : bands - k] * z[:, k:]).mean(-1) for k in OFFSETS if k < bands], dim=1)


def modulation_power(envelope: Tensor) -> Tensor:
    """The share of each envelope's variance in MODULATIONS bands of modulation, equally wide on a
    logarithmic scale: (n, bands, MODULATIONS) for (n, bands, time)."""
    z, _ = _standardise(envelope)
    time = envelope.shape[-1]
    window = torch.hann_window(time, device=z.device)
    power = torch.fft.rfft(z * window).abs().square()
    hertz = torch.fft.rfftfreq(time, 1 / ENVELOPE_RATE, device=z.device).clamp(min=1e-3)
    weights = _cosine_bands(hertz.log(), math.log(SLOWEST / 2), math.log(FASTEST), MODULATIONS)
    total = power[..., 1:].sum(-1, keepdim=True).clamp(min=1e-12)
    shares: Tensor = power @ weights.square().T / total
    return shares


def log_mel(signals: Tensor, rate: int, bands: int = 64) -> Tensor:
    """Spectrograms (n, bands, frames) of sounds (n, length) in decibels, one frame every 10 ms, on
    the mel scale (O'Shaughnessy, 1987)."""
    size = 2 ** round(math.log2(0.04 * rate))
    window = torch.hann_window(size, device=signals.device)
    spectrum = torch.stft(signals, size, rate // 100, window=window, return_complex=True)
    hertz = torch.fft.rfftfreq(size, 1 / rate, device=signals.device)
    mel = 2595 * torch.log10(1 + hertz / 700)
    edges = torch.linspace(0, float(mel[-1]), bands + 2, device=signals.device)
    rising = (mel - edges[:-2, None]) / (edges[1] - edges[0])
    filters = torch.minimum(rising, 2 - rising).clamp(min=0)
    filters = filters / filters.sum(1, keepdim=True).clamp(min=1e-3)
    return _decibels(filters @ spectrum.abs().square() / size)


def long_term(mel: Tensor) -> Tensor:
    """The long-term spectrum (..., bands), in decibels, of a `log_mel` (..., bands, frames): power
    is averaged over time, since loudness in time is not what is compared."""
    return _decibels((10 ** (mel / 10)).mean(-1))


def spectrum_distance(a: Tensor, b: Tensor) -> float:
    """Mean |difference|, in decibels, of the long-term spectra of two `log_mel`."""
    return float((long_term(a) - long_term(b)).abs().mean())


def share_below(signal: Tensor, rate: int, hertz: float) -> float:
    """How much of a sound's (1, length) energy lies below a frequency, its mean included."""
    frames = signal.shape[-1]
    power = torch.fft.rfft(signal[0].double() * torch.hann_window(frames).double()).abs().square()
    low = torch.fft.rfftfreq(frames, 1 / rate) < hertz
    return float(power[low].sum() / power.sum().clamp(min=1e-30))


def _decibels(power: Tensor) -> Tensor:
    return 10 * torch.log10(power + SILENCE**2)


def _cosine_bands(place: Tensor, low: float, high: float, bands: int) -> Tensor:
    """Half-periods of a cosine (bands, n) over `place` (n,), centres equally far apart between
    (not on) low and high, each reaching to its neighbours' centres."""
    centres = torch.linspace(low, high, bands + 2, device=place.device)[1:-1]
    distance = (place - centres[:, None]) / ((high - low) / (bands + 1))
    return torch.where(distance.abs() < 1, torch.cos(math.pi / 2 * distance), 0.0)


def _standardise(envelope: Tensor) -> tuple[Tensor, Tensor]:
    """Envelopes (n, bands, time) less their mean, in units of their deviation (n, bands)."""
    deviation = envelope.std(-1, correction=0).clamp(min=1e-5)
    return (envelope - envelope.mean(-1, keepdim=True)) / deviation[..., None], deviation
