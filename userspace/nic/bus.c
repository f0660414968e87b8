// SPDX-License-Identifier: GPL-2.0-only
#include "bus.h"

#include <linux/pci_regs.h>

#include "nic.h"

void bus_config(struct bus *bus, unsigned int slot, uint32_t offset, unsigned int width, bool write,
		uint64_t *value)
{
	if (slot < BUS_SLOTS && bus->slot[slot])
		nic_config(bus->slot[slot], offset, width, write, value);
	else if (!write)
		*value = width_mask(width);
}

static bool decodes(const struct nic *nic, bool io)
{
	return pci_get(nic, PCI_COMMAND, 2) & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

/* The BAR that has @address, and where in it; -1: none of this device's. */
static int bar_find(const struct nic *nic, bool io, uint64_t address, uint64_t *offset)
{
	for (int i = 0; i < MODEL_BARS; i++) {
		const struct model_bar *bar = &nic->model->pci.bar[i];
		uint64_t base;

		if (!bar->size || bar->io != io)
			continue;
		base = pci_get(nic, PCI_BASE_ADDRESS_0 + 4 * i, 4) & ~(io ? 3u : 15u);
		if (bar->wide)
			base |= (uint64_t)pci_get(nic, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4) << 32;
		*offset = address - base;
		if (base && *offset < bar->size)
			return i;
	}
	return -1;
}

void bus_access(struct bus *bus, bool io, uint64_t address, unsigned int width, bool write,
		uint64_t *value)
{
	for (unsigned int i = 0; i < BUS_SLOTS; i++) {
		struct nic *nic = bus->slot[i];
		uint64_t offset;
		int bar;

		if (!nic || !nic->model || !decodes(nic, io))
			continue;
		bar = bar_find(nic, io, address, &offset);
		if (bar < 0)
			continue;
		nic_bar(nic, bar, offset, width, write, value);
		return;
	}
	if (!write)
		*value = width_mask(width);
}
