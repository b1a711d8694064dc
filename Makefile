# deploy-kernel: `make` lists the targets.
SHELL := /bin/bash
GO ?= go
BIN := bin
COMMANDS := $(patsubst cmd/%/main.go,%,$(wildcard cmd/*/main.go))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the commands into bin/
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ $(addprefix ./cmd/,$(COMMANDS))

.PHONY: demo
demo: build ## train, blend, deploy and run, end to end, on generated data, offline (under 5 minutes)
	@examples/demo/demo.sh

.PHONY: demo-data
demo-data: ## make the images and configs of the README's session in demo/
	@$(GO) run ./examples/demo -rows 240 -images 60 -data demo

.PHONY: test
test: ## all tests
	$(GO) test -timeout 30m ./...

.PHONY: docs
docs: ## renew docs/cli.md from the help of the commands, and docs/demo.svg from the quick start
	@$(GO) test ./dev/docstest -run TestCommandLinePage -update
	@$(GO) run ./dev/recording -o docs/demo.svg docs/quickstart.md

.PHONY: docs-test
docs-test: ## execute every command block of README.md, docs and examples (10 minutes)
	$(GO) test -timeout 1h -count=1 -v ./dev/docstest -long

.PHONY: pictures
pictures: build ## redraw docs/curves.png, and docs/blend.png (needs ../shared)
	@dev/pictures.sh

.PHONY: faults
faults: ## the kernel under every fault: prints the matrix and renews docs/reliability.md
	@mkdir -p $(BIN)
	@$(GO) test -c -o $(BIN)/faults.test ./dev/faults
	@$(BIN)/faults.test -test.run TestFaults -matrix docs/reliability.md

.PHONY: rehearsal
rehearsal: ## 35 full-size networks on 200 images in 10 minutes, as on Kaggle (20 minutes, 16 GB of disk)
	DEPLOY_KERNEL_LONG=1 $(GO) test -timeout 2h -count=1 -v ./dev/rehearsal

.PHONY: test-race
test-race: ## the concurrent packages under the race detector
	$(GO) test -race ./crypt/... ./runtime/...

.PHONY: test-long
test-long: ## full-size networks, real data, Go's own test programs (an hour)
	DEPLOY_KERNEL_LONG=1 $(GO) test -timeout 3h -count=1 ./...

.PHONY: lint
lint: ## gofumpt, vet, staticcheck, tidy modules
	@out=$$(git ls-files '*.go' ':!:*/testdata/*' | xargs $(GO) tool gofumpt -l); \
		if [ -n "$$out" ]; then echo "not gofumpt-clean:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

.PHONY: bench
bench: ## images per second of every network beside ONNX Runtime and OpenVINO, and of a kernel.go beside the package
	@$(GO) run ./dev/bench
	@$(GO) run ./dev/bench -peers kernel -networks seresnext50_32x4d -batches 16 -threads 2 -repeat 4

.PHONY: bench-avx2
bench-avx2: ## AVX2 beside AVX-512 on every network
	@DEPLOY_KERNEL_SIMD=avx2 $(GO) run ./dev/bench -peers avx512 -batches 16 -threads 2

.PHONY: bench-blend
bench-blend: build ## blend at the scale of a competition, beside SciPy (20 minutes, 7 GB)
	@$(GO) run ./dev/blendbench

.PHONY: bench-bundler
bench-bundler: ## time and memory of the bundler against the size of a program (20 minutes)
	@$(GO) run ./dev/bundlerbench -compile

.PHONY: bench-train
bench-train: ## images per second of training beside PyTorch (skipped without; PYTHON names its python3)
	@$(GO) run ./dev/trainbench

.PHONY: fuzz
fuzz: ## every fuzz target for 20 seconds
	@for f in $$(git grep -lE '^func Fuzz' -- '*_test.go'); do \
		for t in $$(grep -oE '^func (Fuzz\w+)' $$f | cut -d' ' -f2); do \
			echo "$$t ($$f)"; $(GO) test -run '^$$' -fuzz "^$$t$$" -fuzztime 20s ./$$(dirname $$f) || exit 1; \
		done; done

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(BIN) dist demo
