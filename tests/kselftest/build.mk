# SPDX-License-Identifier: GPL-2.0-only
# Programs that the tests run, and the XDP programs that they load.

KSELFTEST := $(O)/tests/xsk $(O)/tests/tap $(O)/tests/rawlink $(O)/tests/without $(O)/tests/hostile_client \
	$(O)/tests/nl_uvf $(O)/tests/nl_route $(O)/tests/nl_fuzz $(O)/tests/pci_fuzz $(O)/tests/faults \
	$(O)/tests/redirect.bpf.o $(O)/tests/seq \
	$(addprefix $(O)/tests/,crash_forward threads lend meta vhost_client) \
	$(addprefix $(O)/tests/vfio_,process user hostile fuzz tiny)

$(O)/tests/xsk: $(addprefix tests/kselftest/,xsk.c redirect.c cni_map.c redirect.h cni_map.h)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $(filter %.c,$^) -lxdp -lbpf -o $@

$(O)/tests/tap: tests/kselftest/tap.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/tests/rawlink: tests/kselftest/rawlink.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/tests/seq: tests/kselftest/seq.c tests/kselftest/numbered.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/tests/vhost_client: $(wildcard tests/kselftest/vhost_client*.[ch]) tests/kselftest/numbered.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -pthread $(filter %.c,$^) -o $@

$(addprefix $(O)/tests/,crash_forward threads lend meta): $(O)/tests/%: tests/kselftest/%.c include/uvf/libuvf.h | $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -pthread -Iinclude $< -L$(O)/lib -luvf -Wl,-rpath,'$$ORIGIN/../lib' -o $@

$(O)/tests/vfio_%: tests/kselftest/vfio_%.c tests/kselftest/vfio_open.h tests/kselftest/numbered.h $(KMOD_UAPI)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -pthread -Iinclude/uapi $< -o $@

$(O)/tests/pci_fuzz: tests/kselftest/pci_fuzz.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@

$(O)/tests/without: tests/kselftest/without.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $< -lseccomp -o $@

$(O)/tests/hostile_client: tests/kselftest/hostile_client.c $(COMMON_PROTO:%=userspace/common/%.c) \
		userspace/common/proto.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iuserspace/common $(filter %.c,$^) -o $@

$(O)/tests/nl_%: tests/kselftest/nl_%.c tests/kselftest/nl.c tests/kselftest/nl.h $(KMOD_UAPI)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude/uapi $(shell pkg-config --cflags libnl-genl-3.0) \
		$(filter %.c,$^) $(shell pkg-config --libs libnl-genl-3.0) -o $@

$(O)/tests/faults: $(wildcard tests/kselftest/faults*.[ch]) tests/kselftest/nl.c tests/kselftest/nl.h $(KMOD_UAPI)
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CFLAGS) -Iinclude/uapi $(shell pkg-config --cflags libnl-genl-3.0) \
		$(filter %.c,$^) $(shell pkg-config --libs libnl-genl-3.0) -lbpf -o $@

$(O)/tests/redirect.bpf.o: tests/kselftest/redirect.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

unit-tests: $(KSELFTEST)
