# SPDX-License-Identifier: GPL-2.0-only
# uvf.ko, and uvf-vfio.ko where there is VFIO, for one kernel:
#
#	make kmod KERNEL=6.12       a kernel of tests/vm/kernel.sh: 6.1 (default), 6.12, 7.2, debug
#	make kmod KERNEL=host       the running kernel
#	make kmod KDIR=DIRECTORY    any other, by its build directory
#
# The sources are linked into the output directory, where Kbuild wants to work,
# so that the builds for several kernels stay side by side. Where a kernel comes
# with a compiler of its own, in a directory to chroot to, copies go in and
# what is built comes out.

KERNEL ?= 6.1
ifdef KDIR
else ifeq ($(KERNEL),host)
KDIR := /lib/modules/$(shell uname -r)/build
else
KDIR := $(shell tests/vm/kernel.sh path $(KERNEL) kdir 2>/dev/null)
KMOD_CHROOT := $(shell tests/vm/kernel.sh path $(KERNEL) chroot 2>/dev/null)
endif

# Of the kernel to build for. (Debian's 6.1 has another string in kernel.release.)
KMOD_RELEASE := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
KMOD_OUT := $(O)/kmod-$(KMOD_RELEASE)
KMOD_SOURCES := $(wildcard kmod/*.[ch] kmod/vfio/*.[ch] kmod/compat/*.h) kmod/Kbuild
KMOD_UAPI := include/uapi/linux/uvf.h include/uapi/linux/uvf_vfio.h
# BTF of the module is not needed, and this suite's pahole may be too old for the kernel's.
KMOD_OPTIONS := CONFIG_UVF=m CONFIG_UVF_VFIO=m CONFIG_DEBUG_INFO_BTF_MODULES=
ifdef KMOD_CHROOT
define KMOD_MAKE # directory, what else make is told
	@rm -rf $(KMOD_CHROOT)/uvf && mkdir -p $(KMOD_CHROOT)/uvf
	@cp -rL $1 $(KMOD_CHROOT)/uvf/kmod && cp -r include/uapi $(KMOD_CHROOT)/uvf/include
	env -i PATH=/usr/sbin:/usr/bin LC_ALL=C chroot $(KMOD_CHROOT) \
		make --no-print-directory -C $(KDIR:$(KMOD_CHROOT)%=%) $(KMOD_OPTIONS) \
		UVF_UAPI=/uvf/include M=/uvf/kmod $2
	@cp $(KMOD_CHROOT)/uvf/kmod/*.ko $1/
endef
else
define KMOD_MAKE # directory, what else make is told
	$(MAKE) --no-print-directory -C $(KDIR) $(KMOD_OPTIONS) UVF_UAPI=$(abspath include/uapi) \
		M=$(abspath $1) $2
endef
endif

# A kernel that is not here is fetched first; make then has to look again.
kmod kmod-lint:
ifeq ($(KMOD_RELEASE),)
ifeq ($(filter 6.1 6.12 7.2 debug,$(KERNEL))$(KDIR),$(KERNEL))
	@tests/vm/kernel.sh fetch $(KERNEL)
	@$(MAKE) --no-print-directory $@
else
	@echo "uvf: no kernel build directory at $(or $(KDIR),KERNEL=$(KERNEL)); install the" \
		"linux-headers package, or give KERNEL=6.1, 6.12, 7.2, debug or host, or KDIR=." >&2; exit 1
endif
else
kmod: $(KMOD_OUT)/uvf.ko
kmod-lint: kmod-warnings
endif

$(KMOD_OUT)/uvf.ko: $(KMOD_SOURCES) $(KMOD_UAPI)
	@mkdir -p $(KMOD_OUT)/compat $(KMOD_OUT)/vfio
	@for f in $(KMOD_SOURCES:kmod/%=%); do ln -sf $(abspath kmod)/$$f $(KMOD_OUT)/$$f; done
	$(call KMOD_MAKE,$(KMOD_OUT),modules)
	@touch $@

# W=1 and sparse, from scratch: a warning fails it.
kmod-warnings:
	@rm -rf $(KMOD_OUT)-lint && mkdir -p $(KMOD_OUT)-lint/compat $(KMOD_OUT)-lint/vfio
	@for f in $(KMOD_SOURCES:kmod/%=%); do ln -sf $(abspath kmod)/$$f $(KMOD_OUT)-lint/$$f; done
	$(call KMOD_MAKE,$(KMOD_OUT)-lint,W=1 C=1 KBUILD_CHECKSRC=1 CHECK="sparse -Wsparse-error" KCFLAGS=-Werror modules)

.PHONY: kmod kmod-lint kmod-warnings
