# SPDX-License-Identifier: GPL-2.0-only
# The generic NIC, a library that lies in the programs that present one; and the personalities.

NIC := nic state personality xml xml_function xml_rings check script script_api script_call module \
	pci space vector cause register dma transmit segment receive bytes filter count crc bus world
NIC_O := $(call userspace_objects,nic,$(NIC))
NIC_C := $(NIC:%=userspace/nic/%.c) userspace/common/why.c
NIC_PKG := libxml-2.0 lua5.4
NIC_H := $(wildcard userspace/nic/*.h include/uvf/*.h)
NIC_RNG := userspace/personalities/personality.rng

$(NIC_O): USERSPACE_CFLAGS += $(call userspace_pkg,--cflags,$(NIC_PKG))
$(O)/obj/userspace/nic/xml.o: $(NIC_RNG)

# As they are installed: in one directory.
PERSONALITY_SOURCES := $(NIC_RNG) $(wildcard userspace/personalities/*/*.xml userspace/personalities/*/*.lua)
PERSONALITY_FILES := $(addprefix $(O)/personalities/,$(notdir $(PERSONALITY_SOURCES)))

define personality_copy
$(O)/personalities/$(notdir $(1)): $(1)
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach source,$(PERSONALITY_SOURCES),$(eval $(call personality_copy,$(source))))

# virtio-net.so: its rings are those of the vhost-user front.
VIRTIO_NET_C := $(wildcard userspace/personalities/virtio-net/*.c) \
	$(addprefix userspace/front/,$(addsuffix .c,guest fault vring split packed inflight inflight_ring)) \
	userspace/common/why.c
VIRTIO_NET_SO := $(O)/personalities/virtio-net.so

$(VIRTIO_NET_SO): $(VIRTIO_NET_C) $(wildcard userspace/personalities/virtio-net/*.h userspace/front/*.h) \
		include/uvf/personality.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIC -fvisibility=hidden -D_GNU_SOURCE -Iinclude \
		-Iuserspace/common -shared -Wl,-z,defs $(filter %.c,$^) -o $@

PERSONALITY_FILES += $(VIRTIO_NET_SO)

personalities: $(PERSONALITY_FILES)
.PHONY: personalities
