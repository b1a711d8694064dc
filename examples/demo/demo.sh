#!/bin/sh
# Shows the main job end to end, offline, on generated data; `make demo` runs it.
cd "$(dirname "$0")/../.." && exec go run ./examples/demo "$@"
