"""The two-layer network."""

import numpy as np
from blas import gemm
from device import to_device, zeros
from kernels import (
    activate,
    activate_backward,
    bias_add,
    column_mean,
    mean_of,
    sgd_update,
    softmax_xent,
)


class TwoLayerNetwork:
    def __init__(self, D, H, C, activation="relu", seed=0):
        self.activation = activation
        rng = np.random.default_rng(seed)
        self.parameters = {
            "W1": to_device(rng.standard_normal((D, H)) * np.sqrt(1 / D)),
            "b1": zeros(H),
            "W2": to_device(rng.standard_normal((H, C)) * np.sqrt(1 / H)),
            "b2": zeros(C),
        }

    def forward(self, X):
        p = self.parameters
        Z1 = gemm(X, p["W1"])
        bias_add(Z1, p["b1"])
        A = activate(Z1, self.activation)
        Z = gemm(A, p["W2"])
        bias_add(Z, p["b2"])
        return A, Z

    def scores(self, X):
        return self.forward(X)[1]

    def gradients(self, X, y):
        N = X.shape[0]
        W2 = self.parameters["W2"]
        A, Z = self.forward(X)
        losses, dZ = softmax_xent(Z, y)
        dW2 = gemm(A, dZ, transpose_a=True, alpha=1 / N)
        db2 = column_mean(dZ)
        dA = gemm(dZ, W2, transpose_b=True)
        dZ1 = activate_backward(dA, A, self.activation)
        dW1 = gemm(X, dZ1, transpose_a=True, alpha=1 / N)
        db1 = column_mean(dZ1)
        loss = mean_of(losses)
        return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    def step(self, X, y, learning_rate):
        loss, grads = self.gradients(X, y)
        for name in self.parameters:
            sgd_update(self.parameters[name], grads[name], learning_rate)
        return loss


def xor_network():
    network = TwoLayerNetwork(2, 2, 2, "sigmoid")
    W1 = [[20, -20], [20, -20]]
    b1 = [-10, 30]
    W2 = [[0, 20], [0, 20]]
    b2 = [0, -30]
    for name, values in zip(("W1", "b1", "W2", "b2"), (W1, b1, W2, b2)):
        network.parameters[name].set(np.array(values, dtype=np.float32))
    return network
