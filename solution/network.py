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

    def forward(self, X: GPUArray) -> tuple[GPUArray, GPUArray]:
        """Return hidden activations A (N, H) and logits Z (N, C) of X (N, D) (eq. 11, 12)."""
        W1, b1, W2, b2 = self.parameters.values()
        # BEGIN SOLUTION 4.1
        #| # TODO(4.1): twice gemm and bias_add, with activate between them.
        Z1 = gemm(X, W1)
        bias_add(Z1, b1)
        A = activate(Z1, self.activation)
        Z = gemm(A, W2)
        bias_add(Z, b2)
        return A, Z
        # END SOLUTION

    def scores(self, X: GPUArray) -> GPUArray:
        """Return the logits Z (N, C)."""
        _, Z = self.forward(X)
        return Z

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
        # BEGIN SOLUTION 4.2
        #| # TODO(4.2): the second layer is a linear classifier on A (eq. 15). Then dA (eq. 13),
        #| # dZ1 (eq. 14), and the first layer like the second (eq. 16). dZ is not averaged: divide
        #| # by N where a product sums over the examples, and nowhere else. Write to gradients, by
        #| # `out`.
        N = X.shape[0]
        A, Z = self.forward(X)
        losses, dZ = softmax_xent(Z, y)
        dA = gemm(dZ, self.parameters["W2"], transpose_b=True)
        dZ1 = activate_backward(dA, A, self.activation)
        gemm(X, dZ1, transpose_a=True, alpha=1 / N, out=gradients["W1"])
        column_mean(dZ1, out=gradients["b1"])
        gemm(A, dZ, transpose_a=True, alpha=1 / N, out=gradients["W2"])
        column_mean(dZ, out=gradients["b2"])
        return mean_of(losses), gradients
        # END SOLUTION

    def step(self, X: GPUArray, y: GPUArray, learning_rate: float) -> GPUArray:
        """Take one step of gradient descent on a minibatch (eq. 8); return its loss (1,).

        The loss is the one before the step, and so are all gradients.
        """
        # BEGIN SOLUTION 4.3
        #| # TODO(4.3): all gradients first, then all updates, as in linear.py: dA needs the old W2.
        loss, gradients = self.gradients(X, y)
        for parameter, gradient in joined(self.parameters, gradients):
            sgd_update(parameter, gradient, learning_rate)
        return loss
        # END SOLUTION


def xor_network() -> TwoLayerNetwork:
    """Return a network that computes XOR of inputs {0, 1}²: class 1 is "true".

    Not by training, by hand. A unit σ(w·x + b) is a soft gate: OR of inputs in {0, 1} is on where
    their sum is above 1/2, AND of two where it is above 3/2, and the size of w says how sharply.
    XOR is the AND of two ORs: one of the inputs, and one of their negations 1 − x.

    Returns:
        TwoLayerNetwork(2, 2, 2, "sigmoid") whose softmax gives the right class at least 0.9.
    """
    network = TwoLayerNetwork(2, 2, 2, "sigmoid")
    # BEGIN SOLUTION 3.1
    #| # TODO(3.1): set W1, b1, W2, b2 by network.parameters[name].set(float32 array). Column h of
    #| # W1 belongs to hidden unit h, column c of W2 to class c. Only the difference of the two
    #| # scores counts.
    sharpness = 20  # a gate is 1/2 away from its threshold: σ(±10) is within 5e-5 of 0 or 1
    gates = {
        "W1": [[1, -1], [1, -1]],  # columns: x₁ OR x₂, (1 − x₁) OR (1 − x₂)
        "b1": [-1 / 2, 3 / 2],  # x₁ + x₂ > 1/2,        2 − x₁ − x₂ > 1/2
        "W2": [[0, 1], [0, 1]],  # class 0 scores 0, class 1 the AND of both units
        "b2": [0, -3 / 2],  # a₁ + a₂ > 3/2
    }
    for name, values in gates.items():
        network.parameters[name].set(sharpness * np.array(values, np.float32))
    # END SOLUTION
    return network
