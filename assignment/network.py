# Homework 5, tasks 3.1, 4.1, 4.2, 4.3. The text is in handout.md and homework5.ipynb.
# Write at the TODOs, then: make grade TASK=3.1. Stuck? make hint TASK=3.1

"""The two-layer network: forward pass, backpropagation, and the one that computes XOR, by hand."""

import numpy as np
from blas import gemm
from device import joined, room_for, side_by_side
from kernels import (
    activate,
    activate_backward,
    bias_add,
    column_mean,
    mean_of,
    sgd_update,
    softmax_xent,
)
from pycuda.gpuarray import GPUArray


class TwoLayerNetwork:
    """A hidden layer A = φ(X W1 + b1) (eq. 11), and a linear softmax classifier on top (eq. 12).

    Args:
        D: features.
        H: hidden units.
        C: classes.
        activation: φ, one of "relu", "sigmoid", "tanh".
        seed: of the initial weights.

    Attributes:
        parameters: {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}, float32 on the device,
            updated in place.
    """

    def __init__(self, D: int, H: int, C: int, activation: str = "relu", seed: int = 0) -> None:
        self.activation = activation
        rng = np.random.default_rng(seed)
        W1 = rng.standard_normal((D, H)) * np.sqrt(1 / D)
        W2 = rng.standard_normal((H, C)) * np.sqrt(1 / H)
        zeros1, zeros2 = np.zeros(H), np.zeros(C)
        self.parameters = side_by_side({"W1": W1, "b1": zeros1, "W2": W2, "b2": zeros2})

    # --- 4.1 forward ---
    def forward(self, X: GPUArray) -> tuple[GPUArray, GPUArray]:
        """Return hidden activations A (N, H) and logits Z (N, C) of X (N, D) (eq. 11, 12)."""
        W1, b1, W2, b2 = self.parameters.values()
        # TODO(4.1): twice gemm and bias_add, with activate between them.
        raise NotImplementedError("TODO(4.1): TwoLayerNetwork.forward in network.py")

    # --- given ---
    def scores(self, X: GPUArray) -> GPUArray:
        """Return the logits Z (N, C)."""
        _, Z = self.forward(X)
        return Z

    # --- 4.2 gradients ---
    def gradients(self, X: GPUArray, y: GPUArray) -> tuple[GPUArray, dict[str, GPUArray]]:
        """Return the mean loss (1,) and its gradients by backpropagation (eq. 13 to 16).

        Args:
            X: (N, D) examples.
            y: (N,) labels, int32.

        Returns:
            loss (1,), and {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}; valid until the
            next call.
        """
        gradients = room_for(self.parameters)  # one piece of memory: one launch can update all
        # TODO(4.2): the second layer is a linear classifier on A (eq. 15). Then dA (eq. 13),
        # dZ1 (eq. 14), and the first layer like the second (eq. 16). dZ is not averaged: divide
        # by N where a product sums over the examples, and nowhere else. Write to gradients, by
        # `out`.
        raise NotImplementedError("TODO(4.2): TwoLayerNetwork.gradients in network.py")

    # --- 4.3 step ---
    def step(self, X: GPUArray, y: GPUArray, learning_rate: float) -> GPUArray:
        """Take one step of gradient descent on a minibatch (eq. 8); return its loss (1,).

        The loss is the one before the step, and so are all gradients.
        """
        # TODO(4.3): all gradients first, then all updates, as in linear.py: dA needs the old W2.
        raise NotImplementedError("TODO(4.3): TwoLayerNetwork.step in network.py")


# --- 3.1 xor_network ---
def xor_network() -> TwoLayerNetwork:
    """Return a network that computes XOR of inputs {0, 1}²: class 1 is "true".

    Not by training, by hand. A unit σ(w·x + b) is a soft gate: OR of inputs in {0, 1} is on where
    their sum is above 1/2, AND of two where it is above 3/2, and the size of w says how sharply.
    XOR is the AND of two ORs: one of the inputs, and one of their negations 1 − x.

    Returns:
        TwoLayerNetwork(2, 2, 2, "sigmoid") whose softmax gives the right class at least 0.9.
    """
    network = TwoLayerNetwork(2, 2, 2, "sigmoid")
    # TODO(3.1): set W1, b1, W2, b2 by network.parameters[name].set(float32 array). Column h of
    # W1 belongs to hidden unit h, column c of W2 to class c. Only the difference of the two
    # scores counts.
    raise NotImplementedError("TODO(3.1): xor_network in network.py")
    return network
