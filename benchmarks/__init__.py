"""The project's own speed against its peers and the hardware's limits: `make bench`."""
