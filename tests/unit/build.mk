# SPDX-License-Identifier: GPL-2.0-only
# Unit tests: programs that speak TAP, always built with the sanitizers. Each has its line here;
# a test's other sources and libraries are target-specific variables.

UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_LIBUVF := test_libuvf_frames test_libuvf_dev test_libuvf_session test_libuvf_resume test_libuvf_split \
	test_libuvf_foreign test_libuvf_jumbo test_libuvf_meta
UNIT_RINGS := test_vring test_vring_hostile test_vring_crash test_guest test_lent
UNIT_NICS := test_nic test_nic_e1000 test_nic_e1000_sdm test_nic_rtl8139 test_nic_virtio
UNIT_TESTS := $(addprefix $(O)/tests/unit/,$(UNIT_NICS) test_fw_checksum test_fw_config test_fw_ip test_fw_arp \
	test_fw_rules test_proto test_link test_rule test_direct $(UNIT_LIBUVF) $(UNIT_RINGS))

$(O)/tests/unit/test_fw_%: UNIT_SOURCES = $(FW_CORE_C)
$(O)/tests/unit/test_fw_%: UNIT_CFLAGS = -I$(FW_DIR)
$(O)/tests/unit/test_fw_%: UNIT_LIBS = $(FW_CORE_LIBS)
$(O)/tests/unit/test_fw_checksum: UNIT_SOURCES =
$(O)/tests/unit/test_fw_%: tests/unit/test_fw_%.c tests/unit/test_fw.h $(FW_CORE_C) $(FW_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iinclude $(UNIT_CFLAGS) \
		$< $(UNIT_SOURCES) -o $@ -lcmocka $(UNIT_LIBS)

# The runtime: common code and libuvf, as sources, so that they are sanitized too.
UNIT_RUNTIME := $(addprefix $(O)/tests/unit/,test_proto test_link test_rule $(UNIT_LIBUVF))
UNIT_PROTO := $(COMMON_PROTO:%=userspace/common/%.c)

$(O)/tests/unit/test_proto: UNIT_SOURCES = $(UNIT_PROTO)
$(O)/tests/unit/test_rule: UNIT_SOURCES = userspace/common/why.c userspace/common/rule.c
$(O)/tests/unit/test_link: UNIT_SOURCES = userspace/common/why.c userspace/common/link.c
$(O)/tests/unit/test_link: UNIT_CFLAGS = $(call userspace_pkg,--cflags,libnl-3.0)
$(O)/tests/unit/test_link: UNIT_LIBS = $(call userspace_pkg,--libs,libnl-3.0)
$(O)/tests/unit/test_libuvf_%: UNIT_SOURCES = tests/unit/played.c $(UNIT_PROTO) \
	$(LIBUVF:%=userspace/libuvf/%.c)
$(addprefix $(O)/tests/unit/test_libuvf_,resume jumbo meta): UNIT_SOURCES += tests/unit/deaths.c
$(O)/tests/unit/test_libuvf_%: UNIT_CFLAGS = -Iuserspace/libuvf \
	-Wl,--wrap=getsockopt,--wrap=sendto,--wrap=recvfrom,--wrap=epoll_ctl
$(UNIT_RUNTIME): $(O)/tests/unit/%: tests/unit/%.c \
		$(wildcard tests/unit/played.[ch] tests/unit/deaths.[ch] userspace/common/*.[ch] userspace/libuvf/*.[ch] \
		include/uvf/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iinclude -Iuserspace/common \
		$(UNIT_CFLAGS) $< $(UNIT_SOURCES) -o $@ -lcmocka $(UNIT_LIBS)

# uvfd's, with a network card that is played.
UNIT_DIRECT := $(addprefix userspace/,uvfd/direct.c uvfd/card.c uvfd/ledger.c \
	common/ethtool.c common/why.c)
$(O)/tests/unit/test_direct: tests/unit/test_direct.c tests/unit/played_card.c \
		tests/unit/played_card.h $(UNIT_DIRECT) \
		$(wildcard userspace/uvfd/*.h userspace/common/*.h include/uvf/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iinclude -Iuserspace/common \
		-Iuserspace/uvfd $(call userspace_pkg,--cflags,libnl-3.0 json-c) \
		-Wl,--wrap=ioctl,--wrap=if_indextoname $(filter %.c,$^) -o $@ \
		-lcmocka $(call userspace_pkg,--libs,json-c)

# Virtqueues, with a driver that is played.
$(UNIT_RINGS:%=$(O)/tests/unit/%): $(O)/tests/unit/%: tests/unit/%.c tests/unit/driver.c \
		$(VRING_C) userspace/front/lent.c $(wildcard tests/unit/driver.h tests/unit/rings.h userspace/front/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iuserspace/front -Iuserspace/common \
		$(filter %.c,$^) -o $@ -lcmocka

# The generic NIC, compiled once for all, and drivers that are played.
UNIT_NIC_O := $(NIC_C:userspace/%.c=$(O)/tests/unit/nic/%.o)
$(UNIT_NIC_O): $(O)/tests/unit/nic/%.o: userspace/%.c $(NIC_H) $(NIC_RNG)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iinclude -Iuserspace/common \
		$(call userspace_pkg,--cflags,$(NIC_PKG)) -c $< -o $@
$(UNIT_NICS:%=$(O)/tests/unit/%): $(O)/tests/unit/%: tests/unit/%.c tests/unit/nics.h tests/unit/e1000.h $(UNIT_NIC_O) \
		$(PERSONALITY_FILES)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -D_GNU_SOURCE -Iinclude -Iuserspace/common \
		-Iuserspace/nic $< $(UNIT_SOURCES) $(UNIT_NIC_O) -o $@ -lcmocka \
		$(call userspace_pkg,--libs,$(NIC_PKG)) -ldl

# Objects that are loaded are sanitized, too; and one is of another version.
UNIT_OBJECTS := $(addprefix $(O)/tests/personalities/,virtio-net.xml virtio-net.so echo.so echo-old.so)
$(O)/tests/personalities/%.xml: $(O)/personalities/%.xml
	@mkdir -p $(@D)
	cp $< $@
UNIT_OBJECT = $(CC) $(CPPFLAGS) $(CFLAGS) $(UNIT_SAN) -fPIC -fvisibility=hidden -D_GNU_SOURCE \
	-Iinclude -Iuserspace/common -shared
$(O)/tests/personalities/virtio-net.so: $(VIRTIO_NET_C) $(wildcard userspace/front/*.h) $(NIC_H)
	@mkdir -p $(@D)
	$(UNIT_OBJECT) $(filter %.c,$^) -o $@
$(O)/tests/personalities/echo.so: tests/nic/echo.c include/uvf/personality.h
	@mkdir -p $(@D)
	$(UNIT_OBJECT) $< -o $@
$(O)/tests/personalities/echo-old.so: tests/nic/echo.c include/uvf/personality.h
	@mkdir -p $(@D)
	$(UNIT_OBJECT) -DVERSION=7 $< -o $@
$(UNIT_NICS:%=$(O)/tests/unit/%): $(UNIT_OBJECTS)
$(O)/tests/unit/test_nic_virtio: UNIT_SOURCES = tests/unit/driver.c

unit-tests: $(UNIT_TESTS)
.PHONY: unit-tests
