# SPDX-License-Identifier: GPL-2.0-only
# The ways out of this tree: DKMS, a kernel tree, Debian packages.

DKMS_DIR = /usr/src/uvf-$(UVF_VERSION)

dkms-install: ## the module's sources, where DKMS looks for them
	@for f in $(KMOD_SOURCES) $(KMOD_UAPI); do \
		install -D -m 644 $$f "$(DESTDIR)$(DKMS_DIR)/$$f" || exit 1; \
	done
	sed 's/#MODULE_VERSION#/$(UVF_VERSION)/' kmod/dkms.conf >"$(DESTDIR)$(DKMS_DIR)/dkms.conf"

deb: ## Debian packages, in build/deb
	@tests/lib/deb.sh

intree: ## the module into the kernel tree LINUX=DIRECTORY, as drivers/net/uvf
	@tests/lib/intree.sh "$(LINUX)" $(KMOD_SOURCES) $(KMOD_UAPI)

check-packages: ## the packages on a clean Debian 12, and the module in a kernel tree: slow
	@tests/lib/check-packages.sh

.PHONY: dkms-install deb intree check-packages
