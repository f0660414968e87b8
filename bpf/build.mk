# SPDX-License-Identifier: GPL-2.0-only
# Steering programs: compiled for the bpf target, wrapped into skeleton headers by bpftool.

CLANG ?= clang
BPFTOOL ?= $(shell PATH=$$PATH:/usr/sbin command -v bpftool)

BPF_PROGRAMS := steer port socket bound capture sent latency
BPF_OBJECTS := $(BPF_PROGRAMS:%=$(O)/bpf/%.bpf.o)
BPF_SKELETONS := $(BPF_PROGRAMS:%=$(O)/bpf/%.skel.h)
BPF_CFLAGS = -g -O2 -Wall -Wextra $(WERROR) -target bpf -mcpu=v3 \
	-Iinclude -I/usr/include/$(shell $(CC) -print-multiarch)

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/uvf/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	mv $@.tmp $@

bpf: $(BPF_SKELETONS)
.PHONY: bpf
.SECONDARY: $(BPF_OBJECTS)
