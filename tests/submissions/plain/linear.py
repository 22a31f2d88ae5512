"""The linear classifier."""

import numpy as np
from blas import gemm
from device import to_device, zeros
from kernels import bias_add, column_mean, mean_of, outer_products, sgd_update, softmax_xent


class LinearClassifier:
    def __init__(self, D, C, seed=0):
        rng = np.random.default_rng(seed)
        self.parameters = {
            "W": to_device(rng.standard_normal((D, C)) * np.sqrt(1 / D)),
            "b": zeros(C),
        }

    def scores(self, X):
        Z = gemm(X, self.parameters["W"])
        bias_add(Z, self.parameters["b"])
        return Z

    def gradients_by_reduction(self, X, y):
        losses, dZ = softmax_xent(self.scores(X), y)
        G = outer_products(X, dZ)
        dW = column_mean(G).reshape(X.shape[1], dZ.shape[1])
        return mean_of(losses), {"W": dW, "b": column_mean(dZ)}

    def gradients(self, X, y):
        N = X.shape[0]
        Z = self.scores(X)
        losses, dZ = softmax_xent(Z, y)
        dW = gemm(X, dZ, transpose_a=True, alpha=1 / N)
        db = column_mean(dZ)
        loss = mean_of(losses)
        return loss, {"W": dW, "b": db}

    def step(self, X, y, learning_rate):
        loss, grads = self.gradients(X, y)
        for name in self.parameters:
            sgd_update(self.parameters[name], grads[name], learning_rate)
        return loss
