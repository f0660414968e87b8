// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual interrupt controller: where does an interrupt go? To the line, by MSI or by MSI-X
 * (PCI 3.0, 6.8.1 and 6.8.2), as config space says; masked messages wait.
 */
#include "nic.h"

#include <linux/pci_regs.h>

#define ENTRY 16u

static bool msi_on(const struct nic *nic)
{
	return nic->msi &&
	       pci_get(nic, nic->msi->at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE;
}

static uint16_t msix_flags(const struct nic *nic)
{
	return nic->msix ? pci_get(nic, nic->msix->at + PCI_MSIX_FLAGS, 2) : 0;
}

bool nic_msix(const struct nic *nic)
{
	return msix_flags(nic) & PCI_MSIX_FLAGS_ENABLE;
}

bool vectors_are_messages(const struct nic *nic)
{
	return msi_on(nic) || nic_msix(nic);
}

void vectors_reset(struct nic *nic)
{
	struct vectors *vectors = &nic->state->vectors;

	vectors->pending = 0;
	memset(vectors->table, 0, sizeof(vectors->table));
	for (unsigned int i = 0; i < MODEL_VECTORS; i++)
		vectors->table[i].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	vector_line(nic, false);
}

void vector_line(struct nic *nic, bool asserted)
{
	if (asserted && (vectors_are_messages(nic) ||
			 pci_get(nic, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE))
		asserted = false;
	if (asserted == nic->state->vectors.intx)
		return;
	nic->state->vectors.intx = asserted;
	nic->counters.interrupts += asserted;
	nic->ops->intx(nic->ctx, asserted);
}

static void message(struct nic *nic, unsigned int vector, uint64_t address, uint32_t data)
{
	nic->counters.interrupts++;
	if (nic->ops->remote_vectors)
		nic->ops->message(nic->ctx, vector, 0, 0);
	else
		nic->ops->message(nic->ctx, vector, address, data);
}

/* The low bits of the data are the vector's: as many as the guest allowed. */
static void msi_fire(struct nic *nic, unsigned int vector)
{
	unsigned int at = nic->msi->at;
	unsigned int allowed = 1u << (pci_get(nic, at + PCI_MSI_FLAGS, 2) >> 4 & 7);
	uint64_t address = pci_get(nic, at + PCI_MSI_ADDRESS_LO, 4) |
			   (uint64_t)pci_get(nic, at + PCI_MSI_ADDRESS_HI, 4) << 32;

	if (allowed > nic->msi->vectors)
		allowed = nic->msi->vectors;
	vector &= allowed - 1;
	message(nic, vector, address,
		(pci_get(nic, at + PCI_MSI_DATA_64, 2) & ~(allowed - 1)) | vector);
}

static void msix_fire(struct nic *nic, unsigned int vector)
{
	const struct vector_entry *entry = &nic->state->vectors.table[vector];

	if (vector >= nic->msix->vectors)
		return;
	if (nic->ops->remote_vectors ||
	    (!(entry->control & PCI_MSIX_ENTRY_CTRL_MASKBIT) &&
	     !(msix_flags(nic) & PCI_MSIX_FLAGS_MASKALL)))
		message(nic, vector, entry->address, entry->data);
	else
		nic->state->vectors.pending |= 1ULL << vector;
}

void vector_fire(struct nic *nic, unsigned int vector)
{
	if (vector >= MODEL_VECTORS)
		return;
	if (msix_flags(nic) & PCI_MSIX_FLAGS_ENABLE)
		msix_fire(nic, vector);
	else if (msi_on(nic))
		msi_fire(nic, vector);
}

static void pending_fire(struct nic *nic)
{
	uint64_t waiting = nic->state->vectors.pending;

	if (!(msix_flags(nic) & PCI_MSIX_FLAGS_ENABLE))
		return;
	nic->state->vectors.pending = 0;
	for (; waiting; waiting &= waiting - 1)
		msix_fire(nic, __builtin_ctzll(waiting));
}

void vectors_configured(struct nic *nic)
{
	if (nic->state->vectors.pending)
		pending_fire(nic);
	vector_line(nic, nic->state->asserted);
}

/* --- the table and the pending bits, where a BAR has them ------------------------------------- */

static uint32_t table_read(const struct nic *nic, uint32_t at)
{
	const struct vector_entry *entry = &nic->state->vectors.table[at / ENTRY];

	switch (at % ENTRY) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return entry->address;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		return entry->address >> 32;
	case PCI_MSIX_ENTRY_DATA:
		return entry->data;
	default:
		return entry->control;
	}
}

static void table_write(struct nic *nic, uint32_t at, uint32_t value)
{
	struct vector_entry *entry = &nic->state->vectors.table[at / ENTRY];

	switch (at % ENTRY) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		entry->address = (entry->address & ~(uint64_t)UINT32_MAX) | (value & ~3u);
		break;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		entry->address = (entry->address & UINT32_MAX) | (uint64_t)value << 32;
		break;
	case PCI_MSIX_ENTRY_DATA:
		entry->data = value;
		break;
	default:
		entry->control = value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	if (nic->state->vectors.pending)
		pending_fire(nic);
}

/* By four bytes or eight, as the specification has it; others read as zeroes. */
static void table_access(struct nic *nic, uint32_t at, unsigned int width, bool write,
			 uint64_t *value)
{
	if (!write)
		*value = 0;
	if (width < 4 || at % width)
		return;
	for (unsigned int i = 0; i < width; i += 4) {
		if (write)
			table_write(nic, at + i, *value >> 8 * i);
		else
			*value |= (uint64_t)table_read(nic, at + i) << 8 * i;
	}
}

bool vector_access(struct nic *nic, unsigned int bar, uint64_t offset, unsigned int width,
		   bool write, uint64_t *value)
{
	const struct model_capability *cap = nic->msix;

	if (!cap)
		return false;
	if (bar == cap->table_bar && offset - cap->table_at < ENTRY * cap->vectors) {
		if (width > ENTRY * cap->vectors - (offset - cap->table_at))
			return true;
		table_access(nic, offset - cap->table_at, width, write, value);
		return true;
	}
	if (bar != cap->pending_bar || offset - cap->pending_at >= 8)
		return false;
	if (!write)
		*value = nic->state->vectors.pending >> 8 * (offset - cap->pending_at) &
			 width_mask(width);
	return true;
}
