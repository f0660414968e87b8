# SPDX-License-Identifier: GPL-2.0-only
# link_uvf.so, the plug-in for iproute2. What it does not define, `ip` does.

LINK_UVF_SO := $(O)/lib/link_uvf.so

$(LINK_UVF_SO): userspace/iproute2/link_uvf.c userspace/common/mode.h include/uapi/linux/uvf.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIC -fvisibility=hidden -Iinclude/uapi -shared $< -o $@

iproute2: $(LINK_UVF_SO)
