"""Which physical quantity or sensor a tensor holds, by the name it is known by. Pure; knows no machine.

A small vocabulary on purpose: a name that it does not know is no quantity, and two names of one quantity are the same.
"""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

MOTION: dict[str, str] = {
    "position": "position pos xyz coords coord coordinates location translation",
    "velocity": "velocity velocities vel speed speeds qvel twist",
    "acceleration": "acceleration accelerations accel accelerometer acc",
    "orientation": "orientation quaternion quaternions quat heading yaw euler rpy",
    "joint angle": "angle angles qpos",
    "force": "force forces torque torques wrench tactile",
    "angular rate": "gyro gyroscope omega",
    "magnetic field": "magnetometer",
}
WEATHER: dict[str, str] = {
    "temperature": "temperature temperatures",
    "pressure": "pressure pressures",
    "humidity": "humidity",
    "wind": "wind",
}
SIGNALS: dict[str, str] = {
    "audio": "audio audios waveform waveforms speech spectrogram spectrograms mel mfcc mfccs",
    "text": "text texts caption captions sentence sentences",
    "depth": "depth depths disparity",
    "thermal": "thermal infrared ir nir",
    "lidar": "lidar pointcloud",
    "radar": "radar",
    "optical flow": "flow flows",
    "emg": "emg",
    "ecg": "ecg ekg",
    "eeg": "eeg",
    "eog": "eog",
    "ppg": "ppg",
}
IMAGE = "image"
PICTURES = frozenset({
    "image", "images", "img", "imgs", "rgb", "frame", "frames", "picture", "pictures", "photo", "photos", "pixels", "video",
    "videos", "gray", "grey",
})  # fmt: skip
"""words that yield to another one of the name: a depth image holds depth"""
QUANTITIES = {word: name for table in (MOTION, WEATHER, SIGNALS) for name, words in table.items() for word in words.split()}
MEASURED = frozenset({*MOTION, *WEATHER})
"""quantities that are vectors of numbers as they are, rather than what networks are fed features of"""
AMBIGUOUS = frozenset({"pos", "acc", "flow", "flows", "angle", "angles", "location", "speech", "ir", "pressure"})
"""words with another meaning ("positive", "accuracy"): they need company by a quantity of the same kind that has none"""
MADE = frozenset({
    "emb", "embs", "embed", "embeds", "embedding", "embeddings", "embedded", "feat", "feats", "feature", "features", "hidden",
    "latent", "latents", "enc", "encoded", "encoding", "encodings", "encoder", "token", "tokens", "logit", "logits", "pred",
    "preds", "predicted", "prediction", "predictions", "label", "labels", "target", "targets", "mask", "masks", "masked", "attn",
    "attention", "score", "scores", "loss", "losses", "weight", "weights", "grad", "grads", "len", "length", "lengths", "id",
    "ids", "idx", "index", "indices", "size", "sizes", "shape", "shapes", "ratio", "err", "error", "errors", "out", "output",
    "outputs", "proj", "projection", "repr", "code", "codes", "num", "dim", "real", "fake", "generated", "noise", "noisy", "aug",
    "neg", "query", "key", "queries", "keys", "gt", "prob", "probs", "map", "maps", "state", "states", "cls", "vec", "rep",
    "norm", "normed", "normalized", "normalised", "scaled", "standardized", "standardised", "rel", "relative", "delta", "diff",
})  # fmt: skip
"""words of names that stand for what a network or a sampler made, for what has its own scale already, or for no measurement"""


def words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


def quantity(name: str) -> str | None:
    """The quantity that a name stands for; None for a name that tells none, or more than one."""
    spelled = words(name)
    if not MADE.isdisjoint(spelled):
        return None
    found = {QUANTITIES[word] for word in spelled if word in QUANTITIES}
    if not found:
        return IMAGE if not PICTURES.isdisjoint(spelled) else None
    return found.pop() if len(found) == 1 else None


def clear(name: str) -> bool:
    """Whether a name that stands for a quantity can hardly mean anything else."""
    return any((word in QUANTITIES and word not in AMBIGUOUS) or word in PICTURES for word in words(name))


def different(names: list[str]) -> tuple[str, ...]:
    """The quantities of several tensors, if they are known for all, and at least two of them are different; else none.

    A word of several meanings counts next to a clear name of the same kind only: `pos` next to `velocity`, not next to `image`.
    """
    found = [quantity(name) for name in names]
    known = [each for each in found if each is not None]
    if len(known) < len(names) or len(set(known)) < 2:
        return ()
    for name, each in zip(names, known, strict=True):
        if not clear(name) and not any(clear(other) and kind(one) == kind(each) for other, one in zip(names, known, strict=True)):
            return ()
    return tuple(dict.fromkeys(known))


def kind(name: str) -> str:
    return "motion" if name in MOTION else "weather" if name in WEATHER else "signal"
