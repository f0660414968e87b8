/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI bus of NICs, for carriers that have addresses rather than regions: which device answers a
 * config access, and which a memory or I/O address, as its BARs and command register say.
 */
#ifndef UVF_NIC_BUS_H
#define UVF_NIC_BUS_H

#include "transport.h"

#define BUS_SLOTS 32

struct bus {
	struct nic *slot[BUS_SLOTS]; /* NULL: nobody is there */
};

/* What nobody answers reads as ones. */
void bus_config(struct bus *bus, unsigned int slot, uint32_t offset, unsigned int width, bool write,
		uint64_t *value);
void bus_access(struct bus *bus, bool io, uint64_t address, unsigned int width, bool write,
		uint64_t *value);

#endif /* UVF_NIC_BUS_H */
