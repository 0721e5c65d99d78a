# What a person types here; see README.md. Everything else is SwiftPM.
#
#   make demo       install what is missing, build the release, run `swiftpod run hello` as an unprivileged user
#   make test       the same for all the tests: lint, unit, integration, system; as root and as an unprivileged user
#   make bench      measure starts and pulls beside the kernel's floor and other runtimes
#   make bench-check  only whether starts keep the ratios of Benchmarks/Thresholds.json
#   make test-weakened  the tests of known escapes against a build without the defences: each must fail
#   make test-vm    the tests that need another kernel, in a virtual machine
#   make test-vm-systemd  those that need systemd, in a Debian in a virtual machine
#   make test-package   build another package that depends on the library by version
#   make test-ray   real Ray Serve, from PyPI, over two images; takes a network for what it is made of, and minutes
#   make fuzz       a few minutes of fuzzing for what strangers feed
#   make fuzz-check a run of the same that ends soon: FUZZ_SECONDS (15) a target

SWIFT = swift
# Tests run in release too: the network stack takes most of the time to build, and once is enough.
# A section for every function, so that the linker can put those that a start runs beside each other (Benchmarks/order).
# Metadata of generic types by calls instead of by names, which the runtime would take apart anew in every start.
CONFIGURATION = -c release -Xswiftc -Xfrontend -Xswiftc -function-sections \
	-Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors
BIN = .build/release
# Stops a test that can no longer end by itself.
LIMIT = timeout --kill-after=30

.PHONY: demo test build build-tests lint unit system test-package test-ray test-vm test-vm-systemd test-weakened fuzz
.PHONY: fuzz-check bench bench-check clean

demo: build
	@echo "--- swiftpod run hello"
	@Tests/Machine/as-user.sh build/swiftpod run hello

build:
	Tests/Machine/prepare.sh build
	$(SWIFT) build $(CONFIGURATION) --product swiftpod
	@mkdir -p build && install -m 755 $(BIN)/swiftpod build/swiftpod

build-tests:
	Tests/Machine/prepare.sh test
	$(SWIFT) build $(CONFIGURATION) --build-tests
	@mkdir -p build && install -m 755 $(BIN)/swiftpod build/swiftpod

test: build-tests lint unit system

test-weakened:
	Tests/Machine/prepare.sh test
	Tests/Escapes/weakened.sh /var/tmp/swiftpod-weakened

# The format, and that the weakenings of test-weakened still fit the sources.
lint:
	$(SWIFT) format lint --strict -r Sources Tests Package.swift
	@for patch in Tests/Escapes/*.patch; do git apply --check "$$patch" || exit 1; done

# Unit and integration tests of every module, as the caller and, where that is root, as an unprivileged user too.
unit: build-tests
	Tests/Machine/unit.sh $(BIN)

# The installed binary from outside, as root and as an unprivileged user in one run.
system: build-tests
	Tests/Machine/once-more.sh $(LIMIT) 2400 $(SWIFT) test $(CONFIGURATION) --skip-build --filter 'SystemTests\.'

test-ray: build
	Tests/Ray/prepare.sh /var/cache/swiftpod-tests/ray
	/usr/bin/python3.11 Tests/Ray/ray_test.py build/swiftpod /var/cache/swiftpod-tests/ray

test-vm: build
	Tests/Machine/prepare.sh vm
	$(LIMIT) 3000 Tests/VM/vm-test.sh build/swiftpod

test-vm-systemd: build
	Tests/Machine/prepare.sh vm
	$(LIMIT) 3000 Tests/VM/vm-test.sh --systemd build/swiftpod

test-package:
	Tests/Machine/prepare.sh build
	Tests/Package/package.sh

fuzz:
	Tests/Machine/prepare.sh build
	Tests/Fuzz/fuzz.sh

FUZZ_SECONDS = 15
fuzz-check:
	Tests/Machine/prepare.sh build
	Tests/Fuzz/fuzz.sh $(FUZZ_SECONDS)

build/swiftpod-floor: Benchmarks/floor.c
	@mkdir -p build
	cc -O2 -static -Wall -Wextra -o $@ $<

bench: build build/swiftpod-floor
	Tests/Machine/prepare.sh bench
	build/swiftpod bench --json build/bench.json --chart Benchmarks/starts.svg
	build/swiftpod bench --scenario cold --scratch /var/tmp
	Benchmarks/pull.py --swiftpod build/swiftpod

bench-check: build build/swiftpod-floor
	Tests/Machine/prepare.sh bench
	build/swiftpod bench --quiet --scenario sequential,at-once,existing,running,detached --at-once 100 -n 30 --rounds 3 \
		--threshold Benchmarks/Thresholds.json

clean:
	rm -rf build .build
