// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space, type 0 header (PCI Local Bus Specification 3.0, 6.1).
 *
 * Both the image and the mask are bytes, so that an access of any width at any offset is the
 * same loop. Where the mask has a zero the image stays as the module made it: what is reserved,
 * read-only or absent (there is no ROM, no I/O and no interrupt pin) needs no further code.
 *
 * BAR 0 holds the MSI-X table and its pending bits. It is a page of memory and stays where it is:
 * an address written to it is read back, as it has to be for sizing, and moves nothing.
 */
#include "config.h"
#include "irq.h"

#include <linux/pci.h>
#include <linux/uvf.h>

#define COMMAND_WRITABLE                                                                           \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* Capabilities. MSI: 64 bits of address, masked by vector (6.8.1); MSI-X (6.8.2). */
#define MSI 0x40
#define MSIX 0x60

#define MSI_FLAGS                                                                                  \
	(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | (ilog2(UVF_MSI_VECTORS) << 1))
#define MSI_WRITABLE (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE)
#define MSIX_WRITABLE (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

/* Software may write the bits that are set. */
static const u8 writable[PCI_CFG_SPACE_SIZE] = {
	[PCI_COMMAND] = COMMAND_WRITABLE & 0xff,
	[PCI_COMMAND + 1] = COMMAND_WRITABLE >> 8,
	[PCI_CACHE_LINE_SIZE] = 0xff,
	[PCI_LATENCY_TIMER] = 0xff,
	/* a page, of 64 bits */
	[PCI_BASE_ADDRESS_0 + 1] = 0xf0,
	[PCI_BASE_ADDRESS_0 + 2 ... PCI_BASE_ADDRESS_1 + 3] = 0xff,
	[PCI_INTERRUPT_LINE] = 0xff,
	[MSI + PCI_MSI_FLAGS] = MSI_WRITABLE,
	[MSI + PCI_MSI_ADDRESS_LO] = 0xfc,
	[MSI + PCI_MSI_ADDRESS_LO + 1 ... MSI + PCI_MSI_DATA_64 + 1] = 0xff,
	[MSI + PCI_MSI_MASK_64 ... MSI + PCI_MSI_MASK_64 + 3] = 0xff,
	[MSIX + PCI_MSIX_FLAGS + 1] = MSIX_WRITABLE >> 8,
};

static void put16(struct uvf_config *config, int reg, u16 value)
{
	config->image[reg] = value;
	config->image[reg + 1] = value >> 8;
}

static void put32(struct uvf_config *config, int reg, u32 value)
{
	put16(config, reg, value);
	put16(config, reg + 2, value >> 16);
}

static void put_capabilities(struct uvf_config *config)
{
	put16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config->image[PCI_CAPABILITY_LIST] = MSI;
	put16(config, MSI, PCI_CAP_ID_MSI | MSIX << 8);
	put16(config, MSI + PCI_MSI_FLAGS, MSI_FLAGS);
	put16(config, MSIX, PCI_CAP_ID_MSIX);
	put16(config, MSIX + PCI_MSIX_FLAGS, UVF_MSI_VECTORS - 1);
	put32(config, MSIX + PCI_MSIX_PBA, UVF_MSIX_PBA);
}

void uvf_config_init(struct uvf_config *config, phys_addr_t bar)
{
	raw_spin_lock_init(&config->lock);
	config->bar = bar;
	uvf_config_set_class(config, UVF_PCI_CLASS_SPARE);
	uvf_config_reset(config);
}

static void put_header(struct uvf_config *config)
{
	put16(config, PCI_VENDOR_ID, UVF_PCI_VENDOR);
	put16(config, PCI_DEVICE_ID, UVF_PCI_DEVICE);
	/* As firmware leaves it; else the PCI core tells of each that it switches it on. */
	put16(config, PCI_COMMAND, PCI_COMMAND_MEMORY);
	put16(config, PCI_SUBSYSTEM_VENDOR_ID, UVF_PCI_VENDOR);
	put16(config, PCI_SUBSYSTEM_ID, UVF_PCI_DEVICE);
	/* Multi-function: a rescan looks beyond function 0 of a device only where this is set. */
	config->image[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL | 0x80;
	put32(config, PCI_BASE_ADDRESS_0,
	      lower_32_bits(config->bar) | PCI_BASE_ADDRESS_MEM_TYPE_64);
	put32(config, PCI_BASE_ADDRESS_1, upper_32_bits(config->bar));
}

void uvf_config_reset(struct uvf_config *config)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&config->lock, flags);
	for (i = 0; i < PCI_CFG_SPACE_SIZE; i++)
		config->image[i] &= ~writable[i];
	put_header(config);
	put_capabilities(config);
	raw_spin_unlock_irqrestore(&config->lock, flags);
}

u32 uvf_config_read(struct uvf_config *config, int reg, int len)
{
	unsigned long flags;
	u32 value = 0;
	int i;

	if (reg < 0 || len < 0 || reg + len > PCI_CFG_SPACE_SIZE)
		return ~0U;
	raw_spin_lock_irqsave(&config->lock, flags);
	for (i = 0; i < len; i++)
		value |= (u32)config->image[reg + i] << (8 * i);
	raw_spin_unlock_irqrestore(&config->lock, flags);
	return value;
}

void uvf_config_write(struct uvf_config *config, int reg, int len, u32 value)
{
	unsigned long flags;
	int i;

	if (reg < 0 || len < 0 || reg + len > PCI_CFG_SPACE_SIZE)
		return;
	raw_spin_lock_irqsave(&config->lock, flags);
	for (i = 0; i < len; i++, value >>= 8) {
		u8 mask = writable[reg + i];

		config->image[reg + i] = (config->image[reg + i] & ~mask) | (value & mask);
	}
	raw_spin_unlock_irqrestore(&config->lock, flags);
}

void uvf_config_set_class(struct uvf_config *config, u32 class)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&config->lock, flags);
	config->image[PCI_CLASS_PROG] = class;
	put16(config, PCI_CLASS_DEVICE, class >> 8);
	raw_spin_unlock_irqrestore(&config->lock, flags);
}
