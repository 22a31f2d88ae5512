"""The linear softmax classifier, and its gradient in two ways: the lecture's, and one product."""

import numpy as np
from blas import gemm
from device import joined, room_for, side_by_side
from kernels import bias_add, column_mean, mean_of, outer_products, sgd_update, softmax_xent
from pycuda.gpuarray import GPUArray


class LinearClassifier:
    """Scores Z = XW + b (eq. 1), trained by gradient descent on the softmax cross-entropy.

    Args:
        D: features.
        C: classes.
        seed: of the initial weights.

    Attributes:
        parameters: {"W": (D, C), "b": (C,)}, float32 on the device, updated in place.
    """

    def __init__(self, D: int, C: int, seed: int = 0) -> None:
        # Weights of variance 1 / fan-in: scores start with the variance that features have.
        rng = np.random.default_rng(seed)
        W = rng.standard_normal((D, C)) * np.sqrt(1 / D)
        self.parameters = side_by_side({"W": W, "b": np.zeros(C)})

    def scores(self, X: GPUArray) -> GPUArray:
        """Return the logits Z (N, C) = XW + b of the examples X (N, D) (eq. 1)."""
        # BEGIN SOLUTION 2.3
        #| # TODO(2.3): one gemm, one bias_add.
        Z = gemm(X, self.parameters["W"])
        bias_add(Z, self.parameters["b"])
        return Z
        # END SOLUTION

    def gradients_by_reduction(
        self, X: GPUArray, y: GPUArray
    ) -> tuple[GPUArray, dict[str, GPUArray]]:
        """Return the mean loss (1,) and its gradients, the lecture's parallel way (eq. 4, 6).

        First the gradient of every example, x ∂zᵀ and ∂z, all at once; then a parallel reduction
        takes the average over the N examples. It costs a matrix (N, D·C), and `gradients` none.

        Args:
            X: (N, D) examples.
            y: (N,) labels, int32.

        Returns:
            loss (1,), and {"W": (D, C), "b": (C,)}.
        """
        # BEGIN SOLUTION 2.2
        #| # TODO(2.2): softmax_xent of the scores, outer_products, column_mean for each average.
        #| # A.reshape(rows, columns) views a vector as a matrix and back.
        losses, dZ = softmax_xent(self.scores(X), y)
        dW = column_mean(outer_products(X, dZ)).reshape(self.parameters["W"].shape)
        return mean_of(losses), {"W": dW, "b": column_mean(dZ)}
        # END SOLUTION

    def gradients(self, X: GPUArray, y: GPUArray) -> tuple[GPUArray, dict[str, GPUArray]]:
        """Return the mean loss (1,) and its gradients by one matrix product (eq. 4, 7).

        The sum over the examples in (1/N) Σ x ∂zᵀ is the sum inside a matrix product: (1/N) Xᵀ dZ.

        Args:
            X: (N, D) examples.
            y: (N,) labels, int32.

        Returns:
            loss (1,), and {"W": (D, C), "b": (C,)}; valid until the next call.
        """
        gradients = room_for(self.parameters)  # one piece of memory: one launch can update all
        # BEGIN SOLUTION 2.3
        #| # TODO(2.3): as in gradients_by_reduction, but dW is one gemm, and both are written to
        #| # gradients, by `out`. Don't forget the 1/N, and leave the loss on the device: reading it
        #| # here would make every step wait.
        losses, dZ = softmax_xent(self.scores(X), y)
        gemm(X, dZ, transpose_a=True, alpha=1 / X.shape[0], out=gradients["W"])
        column_mean(dZ, out=gradients["b"])
        return mean_of(losses), gradients
        # END SOLUTION

    def step(self, X: GPUArray, y: GPUArray, learning_rate: float) -> GPUArray:
        """Take one step of gradient descent on a minibatch (eq. 8); return its loss (1,).

        The loss is the one before the step, and so are all gradients.
        """
        # BEGIN SOLUTION 2.4
        #| # TODO(2.4): gradients, then sgd_update for each pair of parameter and gradient that
        #| # joined(self.parameters, gradients) gives: one pair, where they lie side by side.
        loss, gradients = self.gradients(X, y)
        for parameter, gradient in joined(self.parameters, gradients):
            sgd_update(parameter, gradient, learning_rate)
        return loss
        # END SOLUTION
