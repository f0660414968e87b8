# SPDX-License-Identifier: GPL-2.0-only
# Fuzzers: libFuzzer, which is clang's. Seeds of fuzz_X lie in X-seeds/.

FUZZ_CC ?= clang
FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -Wno-unused-parameter -D_GNU_SOURCE \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZERS := $(addprefix $(O)/fuzz/,fuzz_fw_packet fuzz_fw_config \
	fuzz_proto fuzz_link fuzz_cni fuzz_rule fuzz_ledger fuzz_config \
	fuzz_resume fuzz_vring fuzz_vhost_user fuzz_nic_xml fuzz_nic fuzz_vfio)

$(O)/fuzz/fuzz_fw_%: tests/fuzz/fuzz_fw_%.c tests/unit/test_fw.h $(FW_CORE_C) $(FW_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -I$(FW_DIR) -Itests/unit $< $(FUZZ_SOURCES) -o $@ $(FW_CORE_LIBS)

$(O)/fuzz/fuzz_fw_packet: FUZZ_SOURCES = $(FW_CORE_C)
$(O)/fuzz/fuzz_fw_config: FUZZ_SOURCES = $(FW_DIR)/config.c

# The runtime's: what clients and the kernel say to uvfd, and containers to `uvf cni`.
$(O)/fuzz/fuzz_proto $(O)/fuzz/fuzz_link $(O)/fuzz/fuzz_cni $(O)/fuzz/fuzz_rule: $(O)/fuzz/%: tests/fuzz/%.c \
		$(wildcard userspace/common/*.[ch] include/uvf/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common \
		$(call userspace_pkg,--cflags,libnl-3.0) $< userspace/common/why.c \
		userspace/common/$(*:fuzz_%=%).c -o $@ $(call userspace_pkg,--libs,libnl-3.0)

# What an earlier uvfd noted.
$(O)/fuzz/fuzz_ledger: tests/fuzz/fuzz_ledger.c userspace/uvfd/ledger.c userspace/common/why.c \
		$(wildcard userspace/uvfd/*.h userspace/common/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/uvfd $(filter %.c,$^) -o $@ \
		$(call userspace_pkg,--libs,json-c)

$(O)/fuzz/fuzz_config: tests/fuzz/fuzz_config.c $(wildcard userspace/common/*.[ch] include/uvf/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common \
		$(call userspace_pkg,--cflags,libnl-3.0) $< \
		$(addprefix userspace/common/,why.c config.c words.c limit.c rule.c link.c) -o $@ \
		$(call userspace_pkg,--libs,libnl-3.0 libconfuse)

# What a dead appliance left to its successor.
$(O)/fuzz/fuzz_resume: tests/fuzz/fuzz_resume.c tests/fuzz/input.h $(LIBUVF:%=userspace/libuvf/%.c) $(COMMON_PROTO:%=userspace/common/%.c) \
		$(wildcard userspace/libuvf/*.h userspace/common/*.h include/uvf/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/libuvf $(filter %.c,$^) -o $@

# What a guest writes into its rings, and a front-end into the in-flight region.
$(O)/fuzz/fuzz_vring: tests/fuzz/fuzz_vring.c tests/fuzz/input.h $(VRING_C) $(wildcard userspace/front/*.h userspace/common/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iuserspace/common -Iuserspace/front $(filter %.c,$^) -o $@

# What a front-end says, with rings behind it that begin as an input has them.
FUZZ_FRONT := $(addprefix userspace/front/,message.c device.c lane.c) $(VRING_C)
$(O)/fuzz/fuzz_vhost_user: tests/fuzz/fuzz_vhost_user.c $(FUZZ_FRONT) \
		$(wildcard userspace/front/*.h userspace/common/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/front $(filter %.c,$^) -o $@

# Descriptions of NICs, and what guests do to them; compiled once for both.
FUZZ_NIC_O := $(NIC_C:userspace/%.c=$(O)/fuzz/nic/%.o)
$(FUZZ_NIC_O): $(O)/fuzz/nic/%.o: userspace/%.c $(NIC_H) $(NIC_RNG)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common $(call userspace_pkg,--cflags,$(NIC_PKG)) -c $< -o $@
$(O)/fuzz/fuzz_nic $(O)/fuzz/fuzz_nic_xml: $(O)/fuzz/%: tests/fuzz/%.c tests/fuzz/input.h $(FUZZ_NIC_O) \
		$(PERSONALITY_FILES)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/nic $< $(FUZZ_NIC_O) -o $@ \
		$(call userspace_pkg,--libs,$(NIC_PKG)) -ldl

# The interface process of a VFIO device, with the world around it played (played_vfio.h).
FUZZ_VFIO := loop channel memory frames device control
FUZZ_VFIO_O := $(FUZZ_VFIO:%=$(O)/fuzz/vfio/%.o)
FUZZ_PLAYED := $(addprefix tests/fuzz/played_,channel.c memory.c session.c operator.c nics.c)
PLAYED_CALLS := read write ioctl ppoll clock_gettime sigaction sigprocmask mmap munmap \
	accept4 setsockopt recv send close
$(FUZZ_VFIO_O): $(O)/fuzz/vfio/%.o: userspace/vfio/%.c userspace/vfio/vfio.h $(NIC_H) \
		include/uapi/linux/uvf_vfio.h $(wildcard userspace/common/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(foreach call,$(PLAYED_CALLS),-D$(call)=played_$(call)) -Iinclude \
		-Iuserspace/common $(call userspace_pkg,--cflags,libnl-3.0) -c $< -o $@
$(O)/fuzz/fuzz_vfio: tests/fuzz/fuzz_vfio.c $(FUZZ_PLAYED) tests/fuzz/played_vfio.h tests/fuzz/input.h \
		$(FUZZ_VFIO_O) $(FUZZ_NIC_O) $(PERSONALITY_FILES)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Iinclude -Iuserspace/common -Iuserspace/nic \
		$(call userspace_pkg,--cflags,$(NIC_PKG)) $(filter %.c %.o,$^) -o $@ \
		-Wl,--wrap=personality_load,--wrap=personality_free \
		$(call userspace_pkg,--libs,$(NIC_PKG)) -ldl

fuzzers: $(FUZZERS)
.PHONY: fuzzers
