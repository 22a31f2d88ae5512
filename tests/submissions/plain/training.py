"""Minibatch stochastic gradient descent."""

import numpy as np
from device import to_device


def train(model, X, y, epochs, batch_size, learning_rate, seed):
    rng = np.random.default_rng(seed)
    N = len(X)
    losses = []
    for epoch in range(epochs):
        order = rng.permutation(N)
        X_epoch, y_epoch = X[order], y[order]
        for n in range(0, N, batch_size):
            X_batch = to_device(X_epoch[n : n + batch_size])
            y_batch = to_device(y_epoch[n : n + batch_size], np.int32)
            loss = model.step(X_batch, y_batch, learning_rate)
            losses.append(loss.get()[0])
    return np.array(losses, dtype=np.float32)


def accuracy(model, X, y):
    Z = model.scores(to_device(X)).get()
    return float(np.mean(Z.argmax(axis=1) == y))
