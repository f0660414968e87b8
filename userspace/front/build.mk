# SPDX-License-Identifier: GPL-2.0-only
# uvf-vhost-user, the interface process of a function: what it says to the front-end, what becomes
# of that, guest memory and its rings, and the ways of frames.

VRING := guest fault vring split packed inflight inflight_ring
FRONT := main loop socket message device carrier standby \
	function lane copy shim_receive shim_send shim_start lent \
	$(VRING)
FRONT_O := $(call userspace_objects,front,$(FRONT)) \
	$(call userspace_objects,common,why counters $(COMMON_CONFINE) $(COMMON_CARRIER))

# Rings and guest memory alone, as sources: for unit tests and fuzzers.
VRING_C := $(VRING:%=userspace/front/%.c) userspace/common/why.c

$(O)/bin/uvf-vhost-user: $(FRONT_O) $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(FRONT_O) -L$(O)/lib -luvf \
		$(call userspace_pkg,--libs,libevent_core libseccomp libnl-3.0) $(FW_RPATH)

front: $(O)/bin/uvf-vhost-user
.PHONY: front
