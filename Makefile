# GPU programming, homework 5. `make` alone lists what there is.

SUBMISSION = assignment
PYTHON    := $(shell test -x .venv/bin/python && echo .venv/bin/python || echo python3)
SETUP      = $(PYTHON) -m backend.setup
RUN        = .venv/bin/python
quoted     = $(patsubst '~/%,"$$HOME"/'%,'$(subst ','\'',$(1))')

.DEFAULT_GOAL := help
.PHONY: help setup doctor grade watch hint time test lint handout class fidelity release gradescope bench

help:  ## this list
	@echo 'usage: make TARGET'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

grade:  ## grade SUBMISSION (a folder, zip or notebook; default: assignment), TASK=2.3 for one task
	@$(SETUP) && $(RUN) -m grader grade $(call quoted,$(SUBMISSION)) $(if $(TASK),--task $(TASK)) $(ARGS)

watch:  ## grade again at each save, with hints and the page at a key; SUBMISSION=folder
	@$(SETUP) && $(RUN) -m grader watch $(call quoted,$(SUBMISSION))

hint:  ## a hint for TASK=2.3; ask again for a clearer one
	@$(SETUP) && $(RUN) -m grader hint $(if $(TASK),$(TASK) --submission $(call quoted,$(SUBMISSION))) $(ARGS)

time:  ## where the time of your kernels and of a training step goes; SUBMISSION=folder
	@$(SETUP) && $(RUN) -m grader time $(call quoted,$(SUBMISSION))

setup:  ## set up this clone's environment (the other targets do it when needed)
	@$(SETUP) --retry && $(RUN) -m backend.doctor

doctor:  ## what is on this machine, and the command that mends what is missing
	@$(PYTHON) -m backend.doctor

# Tests call make, too, and must get none of the words of this one.
test: lint  ## lint, then the project's own tests; ARGS=tests/backend for some
	@env -u MAKEFLAGS -u ARGS $(RUN) -m pytest $(ARGS)

lint:  ## ruff (format and lint) and mypy, strict
	@$(SETUP) --dev
	@$(RUN) -m ruff format --check . && $(RUN) -m ruff check . && $(RUN) -m mypy .

class:  ## grade a whole class: SUBMISSIONS=folder or an export's zip; again to go on where it stopped
	@test -n $(call quoted,$(SUBMISSIONS)) || { echo 'Which submissions? Next: make class SUBMISSIONS=folder' >&2; exit 2; }
	@$(SETUP) --class && $(RUN) -m grader class $(call quoted,$(SUBMISSIONS)) $(ARGS)

handout:  ## write assignment/ and its notebook from solution/
	@$(SETUP) --dev && $(RUN) -m grader handout $(ARGS)

fidelity:  ## PyCUDA's and scikit-cuda's own tests on the emulated device (3 minutes, needs the network)
	@$(SETUP) --dev && $(RUN) -m emulator.fidelity

release:  ## homework5.zip, what students get; ARGS='--year 2027' for another edition
	@$(SETUP) --dev && $(RUN) -m grader release $(ARGS)

gradescope:  ## autograder.zip, for Gradescope
	@$(SETUP) --dev && $(RUN) -m grader gradescope $(ARGS)

bench:  ## the solution's speed beside PyTorch's and the hardware's limits (on a GPU; else the emulator's)
	@$(SETUP) && $(RUN) -m benchmarks $(ARGS)
