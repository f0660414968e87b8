# SPDX-License-Identifier: GPL-2.0-only
# make install, uninstall: user space below PREFIX, all of it below DESTDIR.
# make kmod-install: the modules, where the kernel it was built for looks.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# appliances: their names are those that `uvf run` goes by
LIBEXECDIR ?= $(PREFIX)/libexec/uvf
# what virtual NICs can be
PERSONALITYDIR ?= $(PREFIX)/lib/uvf/personalities
# sources of the examples
EXAMPLEDIR ?= $(PREFIX)/share/doc/libuvf-dev/examples
# compiled into ip(8), so not below PREFIX
IPLIBDIR ?= /usr/lib/$(shell $(CC) -print-multiarch)/ip

UNITDIR ?= $(PREFIX)/lib/systemd/system
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

UNITS := $(notdir $(wildcard systemd/*.service))

$(O)/systemd/%: systemd/%
	@mkdir -p $(@D)
	sed 's|/usr/local|$(PREFIX)|g' $< >$@

MAN_SOURCES := $(wildcard Documentation/man/*.rst)
MAN_PAGES := $(MAN_SOURCES:Documentation/man/%.rst=$(O)/man/%)

$(O)/man/%: Documentation/man/%.rst
	@mkdir -p $(@D)
	sed 's|/usr/local|$(PREFIX)|g' $< | rst2man >$@

$(O)/libuvf.pc: userspace/libuvf/libuvf.pc.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(UVF_VERSION)|' $< > $@

man: $(MAN_PAGES) ## the man pages, in build/man

# What goes where: "file directory mode name" a line each.
define INSTALLED
$(O)/bin/uvf $(BINDIR) 755 uvf
$(O)/bin/firewall $(LIBEXECDIR) 755 firewall
$(O)/bin/uvf-vhost-user $(LIBEXECDIR) 755 uvf-vhost-user
$(O)/bin/uvf-vfio $(LIBEXECDIR) 755 uvf-vfio
$(O)/bin/uvf-personality $(LIBEXECDIR) 755 uvf-personality
$(foreach name,$(EXAMPLES),$(O)/bin/$(name) $(LIBEXECDIR) 755 $(name)
)
$(foreach file,$(PERSONALITY_FILES),$(file) $(PERSONALITYDIR) 644 $(notdir $(file))
)
$(foreach source,$(EXAMPLE_SOURCES),$(source) $(EXAMPLEDIR) 644 $(notdir $(source))
)
$(O)/bin/uvfd $(SBINDIR) 755 uvfd
$(O)/lib/libuvf.so.$(UVF_VERSION) $(LIBDIR) 644 libuvf.so.$(UVF_VERSION)
$(O)/lib/link_uvf.so $(IPLIBDIR) 644 link_uvf.so
$(O)/libuvf.pc $(LIBDIR)/pkgconfig 644 libuvf.pc
include/uvf/libuvf.h $(INCLUDEDIR)/uvf 644 libuvf.h
include/uvf/personality.h $(INCLUDEDIR)/uvf 644 personality.h
include/uapi/linux/uvf.h $(INCLUDEDIR)/linux 644 uvf.h
include/uapi/linux/uvf_vfio.h $(INCLUDEDIR)/linux 644 uvf_vfio.h
systemd/81-uvf.rules $(UDEVDIR) 644 81-uvf.rules
completions/uvf $(COMPLETIONDIR) 644 uvf
$(foreach unit,$(UNITS),$(O)/systemd/$(unit) $(UNITDIR) 644 $(unit)
)
$(foreach page,$(MAN_PAGES),$(page) $(MANDIR)/man$(patsubst .%,%,$(suffix $(page))) 644 $(notdir $(page))
)
endef

install: all man $(O)/libuvf.pc $(UNITS:%=$(O)/systemd/%) ## user space, library, plug-in of ip and man pages
	$(file >$(O)/installed,$(INSTALLED))
	@while read -r file dir mode name; do \
		[ -z "$$file" ] || install -D -m $$mode $$file "$(DESTDIR)$$dir/$$name" || exit 1; \
	done <$(O)/installed
	ln -sf libuvf.so.$(UVF_VERSION) "$(DESTDIR)$(LIBDIR)/libuvf.so.$(UVF_SOMAJOR)"
	ln -sf libuvf.so.$(UVF_SOMAJOR) "$(DESTDIR)$(LIBDIR)/libuvf.so"
	[ -n "$(DESTDIR)" ] || ldconfig

uninstall: ## remove what install put there
	$(file >$(O)/installed,$(INSTALLED))
	@while read -r file dir mode name; do \
		[ -z "$$file" ] || rm -f "$(DESTDIR)$$dir/$$name"; \
	done <$(O)/installed
	rm -f "$(DESTDIR)$(LIBDIR)/libuvf.so.$(UVF_SOMAJOR)" "$(DESTDIR)$(LIBDIR)/libuvf.so"
	-rmdir "$(DESTDIR)$(PERSONALITYDIR)" "$(DESTDIR)$(INCLUDEDIR)/uvf" "$(DESTDIR)$(EXAMPLEDIR)" 2>/dev/null

kmod-install: kmod ## the module, for KERNEL=host
	$(call KMOD_MAKE,$(KMOD_OUT),INSTALL_MOD_PATH=$(DESTDIR) modules_install)

.PHONY: man install uninstall kmod-install
