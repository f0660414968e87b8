# SPDX-License-Identifier: GPL-2.0-only
# link_uvf.so, the plug-in for iproute2. What it does not define, `ip` does.

LINK_UVF_SO := $(O)/lib/link_uvf.so

LINK_UVF_C := userspace/iproute2/link_uvf.c userspace/common/words.c userspace/common/why.c

$(LINK_UVF_SO): $(LINK_UVF_C) userspace/common/mode.h userspace/common/words.h \
	userspace/common/why.h include/uapi/linux/uvf.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIC -fvisibility=hidden -Iinclude/uapi -shared \
		$(LINK_UVF_C) -o $@

iproute2: $(LINK_UVF_SO)
