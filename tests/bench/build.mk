# SPDX-License-Identifier: GPL-2.0-only
# Measurements, and the programs they are made with.

BENCH := $(O)/bench/burst $(O)/bench/generate

$(O)/bench/burst: tests/bench/burst.c include/uvf/libuvf.h | $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude $< -L$(O)/lib -luvf -Wl,-rpath,'$$ORIGIN/../lib' -o $@

$(O)/bench/generate: tests/bench/generate.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -lbpf -o $@

# tests/kselftest/bench.sh runs them too.
unit-tests: $(BENCH)

bench: ## libuvf beside dpdk-testpmd on veth: frames a second, as a ratio
	@tests/lib/deps.sh build run bench
	@$(MAKE) -s userspace $(BENCH)
	@tests/bench/veth.sh

.PHONY: bench
