"""Imported by the process that programs of PyTorch are forked from, and by nothing else: takes their time of importing."""

import os

from tests.evidence.running import SURROUNDINGS

os.environ.update(SURROUNDINGS)  # read when PyTorch is imported

import torch
import torch._dynamo

__all__ = ["torch"]
