# SPDX-License-Identifier: GPL-2.0-only
# The runtime: common code, libuvf, uvfd, uvf; and the NIC that uvf tries personalities with.

UVF_VERSION := 0.1.0
UVF_SOMAJOR := 1

userspace_pkg = $(shell pkg-config $(1) $(2))
USERSPACE_CFLAGS = $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -D_GNU_SOURCE \
	-DUVF_VERSION='"$(UVF_VERSION)"' -Iinclude -Iuserspace/common -I$(O)/bpf \
	$(call userspace_pkg,--cflags,libnl-3.0)

# Code that libuvf and the programs share; then what needs netlink as well.
COMMON_PROTO := why proto
COMMON_LINK := link rtnl rule words limit ethtool config
COMMON_CONFINE := confine
COMMON_CARRIER := carrier link rtnl
COMMON_CNI := cni
COMMON_COUNTERS := counters
LIBUVF := session memory dev source resume again burst jumbo meta busy split foreign
# steering, its settings, clients and their leases, queues of the uplink, what outlives uvfd
UVFD := main sandbox notify model steer attach inherit tuples addresses tc \
	settings serve_settings rules limit mirror redirect sending filter \
	session appliances serve memory lease source \
	direct card ledger \
	park keep keeper
# functions, settings, appliances, and what one looks at
UVF := main facts query list show stats add config config_apply config_settings config_show \
	rule rule_test limit mirror redirect lease \
	run release cni cni_client front front_vfio front_swap front_show front_show_vfio vm \
	events events_module events_link events_uvfd rates top top_screen \
	metrics metrics_serve latency points capture capture_program capture_link \
	personality_run arguments \
	progs queues doctor doctor_host doctor_link doctor_program doctor_flow

userspace_objects = $(patsubst %,$(O)/obj/userspace/$(1)/%.o,$(2))
COMMON_PROTO_O := $(call userspace_objects,common,$(COMMON_PROTO))
COMMON_O := $(COMMON_PROTO_O) $(call userspace_objects,common,$(COMMON_LINK))
LIBUVF_O := $(call userspace_objects,libuvf,$(LIBUVF))
UVFD_O := $(call userspace_objects,uvfd,$(UVFD)) $(call userspace_objects,common,$(COMMON_CONFINE))
UVF_O := $(call userspace_objects,uvf,$(UVF)) \
	$(call userspace_objects,common,$(COMMON_CNI) $(COMMON_CONFINE) $(COMMON_COUNTERS))

LIBUVF_SO := $(O)/lib/libuvf.so
USERSPACE := $(LIBUVF_SO) $(O)/bin/uvfd $(O)/bin/uvf $(O)/bin/uvf-personality

$(O)/obj/userspace/%.o: userspace/%.c
	@mkdir -p $(@D)
	$(CC) $(USERSPACE_CFLAGS) -MMD -MP -c $< -o $@

include userspace/nic/build.mk

$(UVFD_O) $(UVF_O): $(BPF_SKELETONS)

$(LIBUVF_SO): $(LIBUVF_O) $(COMMON_PROTO_O) userspace/libuvf/libuvf.map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libuvf.so.$(UVF_SOMAJOR) \
		-Wl,--version-script=userspace/libuvf/libuvf.map -Wl,-z,defs \
		-o $@.$(UVF_VERSION) $(filter %.o,$^)
	ln -sf libuvf.so.$(UVF_VERSION) $@.$(UVF_SOMAJOR)
	ln -sf libuvf.so.$(UVF_SOMAJOR) $@

$(O)/bin/uvfd: $(UVFD_O) $(COMMON_O)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		$(call userspace_pkg,--libs,libxdp libbpf libnl-3.0 libevent_core json-c libconfuse \
			libseccomp)

$(O)/bin/uvf: $(UVF_O) $(COMMON_O)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		$(call userspace_pkg,--libs,libnl-genl-3.0 json-c libxdp libbpf ncursesw libpcap \
			libconfuse libevent_core libevent_extra libseccomp)

# uvf personality, apart: nothing else has to load what XML and Lua take.
PERSONALITY_O := $(call userspace_objects,uvf,arguments personality_main personality personality_show \
	personality_test personality_wire) $(call userspace_objects,common,why)
$(O)/bin/uvf-personality: $(PERSONALITY_O) $(NIC_O)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call userspace_pkg,--libs,json-c $(NIC_PKG)) -ldl

userspace: $(USERSPACE)
.PHONY: userspace

-include $(wildcard $(O)/obj/userspace/*/*.d)
