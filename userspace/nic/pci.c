// SPDX-License-Identifier: GPL-2.0-only
/* Config space: PCI Local Bus 3.0, 6.1 (header) and 6.7 (capabilities). */
#include "nic.h"

#include <linux/pci_regs.h>

#include "module.h"

/* What of Status tells of the device, and not of what has happened: PCI 3.0, 6.2.3. */
#define STATUS_SAID (PCI_STATUS_66MHZ | PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MASK)

static void put(struct nic *nic, unsigned int at, unsigned int width, uint32_t value)
{
	little_put(nic->state->config + at, width, value);
}

static void writable(struct nic *nic, unsigned int at, unsigned int width, uint32_t bits)
{
	little_put(nic->config_write + at, width, bits);
}

uint32_t pci_get(const struct nic *nic, unsigned int at, unsigned int width)
{
	return little_get(nic->state->config + at, width);
}

static void bar_make(struct nic *nic, unsigned int i)
{
	const struct model_bar *bar = &nic->model->pci.bar[i];
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * i;
	uint64_t bits = ~(bar->size - 1);

	if (!bar->size)
		return;
	put(nic, at, 4, bar->io ? PCI_BASE_ADDRESS_SPACE_IO :
		    (bar->wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
		    (bar->prefetch ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
	writable(nic, at, 4, bits & ~(bar->io ? 3u : 15u));
	if (bar->wide)
		writable(nic, at + 4, 4, bits >> 32);
}

static void pm_make(struct nic *nic, unsigned int at)
{
	put(nic, at + PCI_PM_PMC, 2, 2); /* version 1.1, no PME */
	put(nic, at + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET);
	writable(nic, at + PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK);
}

static void msi_make(struct nic *nic, const struct model_capability *cap)
{
	unsigned int log = __builtin_ctz(cap->vectors);

	put(nic, cap->at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT | log << 1);
	writable(nic, cap->at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	writable(nic, cap->at + PCI_MSI_ADDRESS_LO, 4, ~3u);
	writable(nic, cap->at + PCI_MSI_ADDRESS_HI, 4, ~0u);
	writable(nic, cap->at + PCI_MSI_DATA_64, 2, 0xffff);
	nic->msi = cap;
}

static void msix_make(struct nic *nic, const struct model_capability *cap)
{
	put(nic, cap->at + PCI_MSIX_FLAGS, 2, cap->vectors - 1);
	writable(nic, cap->at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put(nic, cap->at + PCI_MSIX_TABLE, 4, cap->table_at | cap->table_bar);
	put(nic, cap->at + PCI_MSIX_PBA, 4, cap->pending_at | cap->pending_bar);
	nic->msix = cap;
}

static void capability_make(struct nic *nic, const struct model_capability *cap, uint8_t next)
{
	nic->state->config[cap->at] = cap->id;
	nic->state->config[cap->at + 1] = next;
	if (cap->kind == CAP_PM)
		pm_make(nic, cap->at);
	else if (cap->kind == CAP_MSI)
		msi_make(nic, cap);
	else if (cap->kind == CAP_MSIX)
		msix_make(nic, cap);
	else
		memcpy(nic->state->config + cap->at + 2, cap->bytes, cap->size - 2);
	if (cap->kind == CAP_RAW)
		memcpy(nic->config_write + cap->at + 2, cap->write, cap->size - 2);
}

static void header_make(struct nic *nic)
{
	const struct model_pci *pci = &nic->model->pci;

	put(nic, PCI_VENDOR_ID, 2, pci->vendor);
	put(nic, PCI_DEVICE_ID, 2, pci->device);
	put(nic, PCI_CLASS_REVISION, 4, pci->class << 8 | pci->revision);
	put(nic, PCI_SUBSYSTEM_VENDOR_ID, 2, pci->subvendor);
	put(nic, PCI_SUBSYSTEM_ID, 2, pci->subdevice);
	put(nic, PCI_INTERRUPT_PIN, 1, pci->pin);
	put(nic, PCI_MIN_GNT, 1, pci->min_grant);
	put(nic, PCI_MAX_LAT, 1, pci->max_latency);
	writable(nic, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				      PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
				      PCI_COMMAND_INTX_DISABLE);
	writable(nic, PCI_CACHE_LINE_SIZE, 2, 0xffff); /* and latency timer */
	writable(nic, PCI_INTERRUPT_LINE, 1, 0xff);
}

/* As after power-on. */
void pci_make(struct nic *nic)
{
	const struct model_pci *pci = &nic->model->pci;

	memset(nic->state->config, 0, sizeof(nic->state->config));
	memset(nic->config_write, 0, sizeof(nic->config_write));
	header_make(nic);
	for (unsigned int i = 0; i < MODEL_BARS; i++)
		bar_make(nic, i);
	for (unsigned int i = 0; i < pci->capabilities; i++)
		capability_make(nic, &pci->capability[i],
				i + 1 < pci->capabilities ? pci->capability[i + 1].at : 0);
	put(nic, PCI_STATUS, 2, (pci->status & STATUS_SAID) |
				(pci->capabilities ? PCI_STATUS_CAP_LIST : 0));
	if (pci->capabilities)
		put(nic, PCI_CAPABILITY_LIST, 1, pci->capability[0].at);
}

/* The line's state, which no write changes: PCI 3.0, 6.2.3. */
static void status_update(struct nic *nic)
{
	uint16_t status = pci_get(nic, PCI_STATUS, 2) & ~PCI_STATUS_INTERRUPT;

	put(nic, PCI_STATUS, 2, status | (nic->state->asserted ? PCI_STATUS_INTERRUPT : 0));
}

void nic_config(struct nic *nic, uint32_t offset, unsigned int width, bool write, uint64_t *value)
{
	if (!write)
		*value = width <= 8 ? width_mask(width) : UINT64_MAX;
	if (!nic->model || (width != 1 && width != 2 && width != 4) || offset % width ||
	    offset >= NIC_CONFIG)
		return;
	if (!write)
		status_update(nic);
	if (module_config(nic, offset, width, write, value))
		return;
	if (!write) {
		*value = pci_get(nic, offset, width);
		return;
	}
	for (unsigned int i = 0; i < width; i++) {
		uint8_t bits = nic->config_write[offset + i];

		nic->state->config[offset + i] = (nic->state->config[offset + i] & ~bits) |
					  (*value >> 8 * i & bits);
	}
	vectors_configured(nic);
}

void nic_irq_info(const struct nic *nic, struct nic_irq_info *info)
{
	*info = (struct nic_irq_info){ 0 };
	if (!nic->model)
		return;
	info->intx = nic->model->pci.pin ? 1 : 0;
	info->msi = nic->msi ? nic->msi->vectors : 0;
	info->msix = nic->msix ? nic->msix->vectors : 0;
}
