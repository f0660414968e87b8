# SPDX-License-Identifier: GPL-2.0-only
# uvf-vfio, the interface process of a function that is a VFIO device: what is asked on the channel,
# guest memory, frames, and the generic NIC between them.

VFIO := main loop channel memory frames device control
VFIO_O := $(call userspace_objects,vfio,$(VFIO)) $(NIC_O) \
	$(call userspace_objects,common,why counters $(COMMON_CONFINE) $(COMMON_CARRIER))

$(O)/bin/uvf-vfio: $(VFIO_O) $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(VFIO_O) -L$(O)/lib -luvf \
		$(call userspace_pkg,--libs,libseccomp libnl-3.0 $(NIC_PKG)) -ldl $(FW_RPATH)

front: $(O)/bin/uvf-vfio
