#!/bin/sh
# Runs the whole workflow offline on generated data. `make demo` runs it.
cd "$(dirname "$0")/../.." && exec go run ./examples/demo "$@"
