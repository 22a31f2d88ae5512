"""Mistakes of `train` and `accuracy`: named by `grader.curves`, which sees the minibatches."""

from grader.diagnoses.mistake import Mistake

MISTAKES = (
    Mistake(
        "partial-batch-dropped",
        "the last, partial batch is dropped",
        "The examples left over at the end of an epoch count, too.",
        "Let the last slice be shorter: range(0, N, batch_size).",
    ),
    Mistake(
        "partial-batch-filled",
        "the last batch is filled up",
        "The last batch of an epoch is smaller than the others; nothing is repeated to fill it.",
        "Slice X[n : n + batch_size]; at the end it is shorter by itself.",
    ),
    Mistake(
        "one-epoch",
        "training stops after one epoch",
        "Every epoch visits all examples once more.",
        "Is there a return inside the loop over the epochs?",
    ),
    Mistake(
        "not-shuffled",
        "the examples are not shuffled",
        "Each epoch takes the examples in a new random order.",
        "Index by order, the epoch's rng.permutation(N), before slicing.",
    ),
    Mistake(
        "same-order",
        "every epoch has the same order",
        "Each epoch takes the next permutation of the one generator.",
        "Draw order inside the loop over the epochs, and make the generator outside of it.",
    ),
    Mistake(
        "labels-not-shuffled",
        "the images are shuffled, the labels are not",
        "Each image is trained with another one's label.",
        "Index y by the same order as X.",
    ),
    Mistake(
        "images-not-shuffled",
        "the labels are shuffled, the images are not",
        "Each image is trained with another one's label.",
        "Index X by the same order as y.",
    ),
    Mistake(
        "order-applied-twice",
        "the order is applied twice",
        "The examples of an epoch are X[order], in slices; yours are X[order][order], or each "
        "epoch shuffles what the last one shuffled.",
        "Start each epoch from the original X and y.",
    ),
    Mistake(
        "with-replacement",
        "examples are drawn with replacement",
        "An epoch visits each example exactly once; yours repeats some and leaves out others.",
        "Cut one permutation into slices.",
    ),
    Mistake(
        "rate-not-passed",
        "the learning rate is not passed on",
        "model.step got another learning rate than train.",
        "Pass learning_rate on as it is.",
    ),
    Mistake(
        "losses-per-epoch",
        "one loss an epoch is returned",
        "The curve has one entry for each step.",
        "Append each step's loss.",
    ),
    Mistake(
        "losses-of-last-epoch",
        "only the last epoch's losses are returned",
        "The curve has one entry for each step of all epochs.",
        "Make the list of losses before the first epoch.",
    ),
    Mistake(
        "losses-cumulated",
        "the losses are added up as they come",
        "Entry i is the loss of step i, not the sum of all so far.",
        "Append the loss itself.",
    ),
    Mistake(
        "losses-list",
        "the losses are a Python list",
        "The contract is a NumPy array of float32.",
        "Return np.array(losses, dtype=np.float32), or np.concatenate of arrays (1,).",
    ),
    Mistake(
        "losses-float64",
        "the losses are float64",
        "The contract is float32, as the device has them.",
        "Convert with .astype(np.float32).",
    ),
    Mistake(
        "reinitialised",
        "the parameters start anew each epoch",
        "The second epoch begins where the first one began: what was learned is thrown away.",
        "Leave the model's parameters alone in train.",
    ),
    Mistake(
        "accuracy-per-cent",
        "the accuracy is in per cent",
        "It is a fraction between 0 and 1.",
        "Leave the factor 100 out.",
    ),
    Mistake(
        "accuracy-count",
        "the number of right examples is returned",
        "The accuracy is their fraction.",
        "Divide by the number of examples.",
    ),
    Mistake(
        "accuracy-ties",
        "of equal scores, the last one wins",
        "The contract is the lowest class among the best.",
        "Compare with >, not >=; np.argmax does it.",
    ),
    Mistake(
        "accuracy-errors",
        "the fraction of wrong examples is returned",
        "Accuracy is the fraction that is right.",
        "Return 1 minus it.",
    ),
    Mistake(
        "accuracy-lowest",
        "the lowest score wins",
        "The class of an example is the one with the highest score.",
        "Use argmax.",
    ),
    Mistake(
        "larger-rate",
        "the parameters move by another learning rate",
        "The gradients are right at the same state, but the parameters move by a multiple of η g "
        "(eq. 8).",
        "Pass learning_rate on as it is, and apply it once.",
    ),
)
