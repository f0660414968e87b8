# SPDX-License-Identifier: GPL-2.0-only
#
# `make run` and `make check` install what they need, build, and end in a verdict.
# The other targets only do what their name says. What is built lands in build/.

all: userspace bpf firewall examples front personalities iproute2 ## user space and steering programs

# --- settings: make VARIABLE=value … -------------------------------------------------

O := build
ifdef SAN # sanitizers, in a tree of their own
O := build/san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
CFLAGS ?= -O2 -g
WERROR ?= -Werror
override CFLAGS += -std=gnu11 -Wall -Wextra $(WERROR) -Wno-unused-parameter $(SAN_FLAGS)

# --- the rooms -----------------------------------------------------------------------

include kmod/build.mk
-include bpf/build.mk userspace/build.mk userspace/iproute2/build.mk
-include userspace/front/build.mk userspace/vfio/build.mk userspace/appliances/firewall/build.mk userspace/appliances/examples.mk
-include $(wildcard tests/*/build.mk)
include install.mk package.mk

# --- what people type ----------------------------------------------------------------

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16 | sort
	@echo 'Settings: HOST=1 BACKEND=veth KERNEL=6.1|6.12|7.2|debug|host SAN=1 PREFIX= DESTDIR='

run: ## the firewall scenario in a VM; HOST=1: on this kernel; BACKEND=veth: without a module
	@tests/lib/run.sh

check: ## every test, installing what is missing
	@tests/lib/check.sh

check-debug: ## the tests of the module under a kernel with KASAN, lockdep, kmemleak; takes long
	@tests/lib/check-debug.sh

check-matrix: ## the tests that run in a VM, on each of KERNELS="6.1 6.12 7.2"; takes long
	@tests/lib/check-matrix.sh

check-direct: ## queues of virtio-net and igb cards leased to functions, zero-copy, on 7.2
	@tests/lib/check-direct.sh

check-vfio-guest: ## a stock guest on functions with PERSONALITIES="e1000 rtl8139 virtio-net"; takes long
	@tests/lib/check-vfio-guest.sh

check-crash: ## appliance, uvfd, or both killed ROUNDS=20 times in each way, under numbered frames
	@tests/lib/deps.sh build run check
	@$(MAKE) -s userspace unit-tests
	@prove --timer --exec tests/run-test tests/kselftest/crash.sh :: $(or $(ROUNDS),20)

check-conformance: ## the kernel's own AF_XDP conformance program on functions, of 6.1 and 6.12; takes long
	@tests/lib/check-conformance.sh

check-fuzz-long: ## the module's fuzzers on the debug kernel, for DURATION=3600 seconds
	@tests/lib/check-fuzz-long.sh

kmod: ## uvf.ko for KERNEL=6.1 (default), 6.12, 7.2, debug or host

lint: ## style, shellcheck, clang-tidy, W=1 and sparse
	@tests/lib/lint.sh

fuzz: fuzzers ## each fuzzer for FUZZ_SECONDS (5)
	@tests/lib/fuzz.sh

clean: ## remove what was built; fetched kernels stay
	rm -rf $(filter-out build/kernels,$(wildcard build/*))

distclean: ## remove build/ altogether
	rm -rf build

.PHONY: userspace bpf firewall front personalities iproute2 unit-tests fuzzers all help run check check-direct check-vfio-guest check-debug check-matrix check-fuzz-long check-conformance check-crash lint fuzz clean distclean
.DELETE_ON_ERROR:
