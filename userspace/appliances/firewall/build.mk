# SPDX-License-Identifier: GPL-2.0-only
# The firewall: a packet core without a system call in it, and the program around that.

FW_DIR := userspace/appliances/firewall
FW_CORE := config rules fw arp neigh ip forward fragment icmp tcp stats
FW_PROGRAM := main port sandbox
FW_CORE_LIBS = $(call userspace_pkg,--libs,libpcap json-c)

FW_CORE_C := $(FW_CORE:%=$(FW_DIR)/%.c)
FW_HEADERS := $(wildcard $(FW_DIR)/*.h)
FW_O := $(patsubst %,$(O)/obj/$(FW_DIR)/%.o,$(FW_CORE) $(FW_PROGRAM))

# The path to the library is that of the build tree; where the library is installed, none is needed.
FW_RPATH ?= -Wl,-rpath,'$$ORIGIN/../lib'
$(O)/bin/firewall: $(FW_O) $(LIBUVF_SO)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(FW_O) -L$(O)/lib -luvf $(FW_CORE_LIBS) \
		$(call userspace_pkg,--libs,libseccomp) $(FW_RPATH)

firewall: $(O)/bin/firewall
.PHONY: firewall

-include $(wildcard $(O)/obj/$(FW_DIR)/*.d)
