# SPDX-License-Identifier: GPL-2.0-only
# Measurements, and the programs they are made with.

BENCH := $(O)/bench/burst $(O)/bench/generate $(O)/bench/probe $(O)/bench/steering
BENCH_GUEST := $(O)/bench/instructions $(O)/bench/profile
BENCH_CARDS := $(O)/bench/arrivals $(O)/bench/echoes $(O)/bench/nic_guest

$(O)/bench/burst: tests/bench/burst.c include/uvf/libuvf.h | $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude $< -L$(O)/lib -luvf -Wl,-rpath,'$$ORIGIN/../lib' -o $@

$(O)/bench/generate: tests/bench/generate.c tests/bench/watch.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -lbpf -o $@

$(O)/bench/probe $(BENCH_CARDS): $(O)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/bench/steering: tests/bench/steering.c $(BPF_SKELETONS) include/uvf/steer.h \
		$(wildcard userspace/uvfd/*.h userspace/common/*.[ch]) userspace/uvfd/tuples.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude -Iuserspace/common -I$(O)/bpf \
		$(call userspace_pkg,--cflags,libnl-3.0) $< userspace/uvfd/tuples.c \
		userspace/common/rule.c userspace/common/why.c -lbpf -o $@

$(O)/bench/instructions: tests/bench/instructions.c tests/kselftest/redirect.c tests/kselftest/redirect.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Itests/kselftest $(filter %.c,$^) -lxdp -lbpf -o $@

$(O)/bench/profile: tests/bench/profile.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

# Beside the personalities, which it looks for where it lies.
$(O)/bench/nics: tests/bench/nics.c $(NIC_O) $(O)/obj/userspace/common/why.o $(PERSONALITY_FILES)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/nic $(filter %.c %.o,$^) \
		-o $@ $(call userspace_pkg,--libs,$(NIC_PKG)) -ldl

# tests/kselftest/bench*.sh run them too.
unit-tests: $(BENCH) $(BENCH_CARDS)

bench: ## libuvf and fronts beside dpdk-testpmd on veth: frames a second, as a ratio; and bench-cards
	@tests/lib/deps.sh build run bench
	@$(MAKE) -s userspace front $(BENCH)
	@tests/bench/veth.sh
	@tests/bench/guest_vhost.sh
	@$(MAKE) -s bench-cards

bench-steering: ## nanoseconds that steering costs a frame, with 1 to 4096 functions and up to 10,000 rules
	@tests/lib/deps.sh build
	@$(MAKE) -s $(O)/bench/steering
	@$(O)/bench/steering

bench-nics: ## nanoseconds that a frame costs in the generic NIC, with each personality
	@tests/lib/deps.sh build
	@$(MAKE) -s $(O)/bench/nics
	@$(O)/bench/nics

KERNELS ?= 6.1 6.12 7.2

bench-guest: ## instructions a packet, and a function, beside veth: in VMs that count; KERNELS="6.1 6.12 7.2"
	@tests/lib/deps.sh build kmod vm
	@$(MAKE) -s userspace iproute2 $(BENCH_GUEST) $(O)/tests/redirect.bpf.o
	@for kernel in $(KERNELS); do tests/vm/kernel.sh fetch $$kernel && $(MAKE) -s kmod KERNEL=$$kernel || exit; done
	@KERNELS="$(KERNELS)" tests/bench/guest.sh

bench-cards: ## a guest's network card by uvf front vfio beside QEMU's own; CARDS="e1000 rtl8139 virtio-net"
	@tests/lib/deps.sh build kmod vm
	@tests/vm/kernel.sh fetch 6.1
	@$(MAKE) -s userspace iproute2 front personalities $(BENCH_CARDS)
	@$(MAKE) -s kmod KERNEL=6.1
	@tests/bench/cards.sh

.PHONY: bench bench-steering bench-nics bench-guest bench-cards
