# SPDX-License-Identifier: GPL-2.0-only
# Programs that the tests run, and the XDP programs that they load.

KSELFTEST := $(O)/tests/xsk $(O)/tests/rawlink $(O)/tests/without $(O)/tests/hostile_client \
	$(O)/tests/redirect.bpf.o

$(O)/tests/xsk: tests/kselftest/xsk.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -lxdp -lbpf -o $@

$(O)/tests/rawlink: tests/kselftest/rawlink.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/tests/without: tests/kselftest/without.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $< -lseccomp -o $@

$(O)/tests/hostile_client: tests/kselftest/hostile_client.c $(COMMON_PROTO:%=userspace/common/%.c) \
		userspace/common/proto.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iuserspace/common $(filter %.c,$^) -o $@

$(O)/tests/redirect.bpf.o: tests/kselftest/redirect.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

unit-tests: $(KSELFTEST)
