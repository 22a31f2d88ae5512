"""The process that runs student code: it gets inputs, returns raw results, and knows no answers."""
