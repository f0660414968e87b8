# SPDX-License-Identifier: GPL-2.0-only
# Appliances to learn from: one file each, with libuvf.h alone.

EXAMPLES := forward responder generator capture
EXAMPLE_SOURCES := $(foreach name,$(EXAMPLES),userspace/appliances/$(name)/$(name).c)

define EXAMPLE
$(O)/bin/$(1): userspace/appliances/$(1)/$(1).c include/uvf/libuvf.h $(LIBUVF_SO)
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) -D_GNU_SOURCE $$(CFLAGS) $$(LDFLAGS) -Iinclude $$< -o $$@ \
		-L$(O)/lib -luvf $$(EXAMPLE_LIBS) $$(FW_RPATH)
endef
$(foreach name,$(EXAMPLES),$(eval $(call EXAMPLE,$(name))))

$(O)/bin/capture: EXAMPLE_LIBS = $(call userspace_pkg,--libs,libpcap)

examples: $(EXAMPLES:%=$(O)/bin/%)
.PHONY: examples
